// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/linux_restore_system.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/filesystem.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/crypt/volume_probe.h"
#include "platform/linux/crypt/volume_reader.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/linux/mountinfo.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/restore/decrypted_content.h"
#include "platform/linux/restore/device_paths.h"
#include "platform/linux/restore/kept_files.h"
#include "platform/linux/restore/key_volume.h"
#include "platform/linux/restore/root_paths.h"
#include "platform/linux/restore/tools.h"
#include "platform/linux/sysfs_devices.h"

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

constexpr std::size_t kMostText = 4U << 20;

Error failure(Code code, std::string_view what, const std::string& path) {
    return fail(code, fmt::format("cannot {} '{}'", what, path)).with_errno(errno);
}

/// Reading these takes long, or means nothing.
bool is_passed_over(const BlockDevice& block) {
    return block.name.starts_with("ram") || block.name.starts_with("zram") ||
           block.name.starts_with("fd") || block.name.starts_with("sr") ||
           block.name.starts_with("nbd") || block.size_bytes == 0;
}

void look_at_content(RestoreDevice& device) {
    const auto seen = probe_volume({device.path, 0, 0});
    if (!seen) {
        device.unreadable = true;
    } else if (*seen) {
        device.content = {(*seen)->type, (*seen)->uuid, (*seen)->label, (*seen)->type.empty()};
    }
}

RestoreDevice describe(const BlockDevice& block, std::vector<std::string> paths) {
    constexpr std::string_view kByPartition = "/dev/disk/by-partuuid/";
    RestoreDevice device;
    device.block = block;
    device.path = block.dm_name.empty() ? "/dev/" + block.name : "/dev/mapper/" + block.dm_name;
    std::ranges::replace(device.path, '!', '/');
    device.links = std::move(paths);
    for (const std::string& link : device.links) {
        if (link.starts_with(kByPartition)) {
            device.part_uuid = link.substr(kByPartition.size());
        }
    }
    // Without udev there may be no node of that name.
    if (!device.links.empty() &&
        std::ranges::find(device.links, device.path) == device.links.end()) {
        device.path = device.links.front();
    }
    look_at_content(device);
    return device;
}

}  // namespace

Result<std::vector<RestoreDevice>> LinuxRestoreSystem::devices() const {
    Result<std::vector<BlockDevice>> blocks = SysfsDevices().block_devices();
    if (!blocks) {
        return blocks.error();
    }
    auto paths = block_device_paths();
    std::vector<RestoreDevice> devices;
    for (const BlockDevice& block : *blocks) {
        if (!is_passed_over(block)) {
            devices.push_back(describe(block, std::move(paths[block.number])));
        }
    }
    return devices;
}

Result<std::vector<Mount>> LinuxRestoreSystem::mounts() const {
    const Result<std::string> text = read_kernel_file("/proc/self/mountinfo");
    if (!text) {
        return text.error();
    }
    return parse_mountinfo(*text, 0).mounts;
}

Result<std::string> LinuxRestoreSystem::resolve(const std::string& path) const {
    const bool below = !root_.empty() && (path == root_ || path.starts_with(root_ + "/"));
    return resolve_in_root(below ? root_ : "", below ? path.substr(root_.size()) : path);
}

Result<std::string> LinuxRestoreSystem::place_of(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    const Result<std::string> folder = resolve(path.substr(0, slash));
    return folder ? *folder + path.substr(slash) : folder;
}

Result<std::optional<std::string>> LinuxRestoreSystem::read(const std::string& path) const {
    const Result<std::string> place = resolve(path);
    if (!place) {
        return place.error();
    }
    const UniqueFd file(::open(place->c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        return errno == ENOENT || errno == ENOTDIR
                   ? Result<std::optional<std::string>>(std::nullopt)
                   : failure(Code::file_unreadable, "open", path);
    }
    std::string text;
    char buffer[16384];
    while (text.size() <= kMostText) {
        const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
        if (size == 0) {
            return std::optional(std::move(text));
        }
        if (size < 0 && errno != EINTR) {
            return failure(Code::file_unreadable, "read", path);
        }
        text.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    return fail(Code::file_unreadable, fmt::format("'{}' is too large", path));
}

Result<std::optional<Secret>> LinuxRestoreSystem::read_key(const std::string& path) const {
    const Result<std::string> place = resolve(path);
    return place ? read_key_file(*place) : Result<std::optional<Secret>>(place.error());
}

Result<std::map<std::string, Secret>> LinuxRestoreSystem::read_keys_on(
    const std::string& device) const {
    return read_key_volume(device);
}

Result<std::vector<std::string>> LinuxRestoreSystem::names_in(const std::string& folder) const {
    const Result<std::string> place = resolve(folder);
    if (!place) {
        return place.error();
    }
    boost::system::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator one(*place, error), end; !error && one != end;
         one.increment(error)) {
        names.push_back(one->path().filename().string());
    }
    if (error && error != boost::system::errc::no_such_file_or_directory) {
        return fail(Code::file_unreadable, fmt::format("cannot list '{}'", folder))
            .with_errno(error.value());
    }
    std::ranges::sort(names);
    return names;
}

Result<std::string> LinuxRestoreSystem::bytes_of(const std::string& device, std::uint64_t offset,
                                                 std::size_t size) const {
    const Result<VolumeReader> volume = VolumeReader::open({device, 0, 0});
    return volume ? volume->read(offset, size) : Result<std::string>(volume.error());
}

Result<std::optional<DeviceContent>> LinuxRestoreSystem::content_within(
    const std::string& device, const VolumeKey& key) const {
    return decrypted_content(device, key);
}

Result<ToolResult> LinuxRestoreSystem::run(const std::vector<std::string>& command,
                                           std::chrono::milliseconds limit) {
    constexpr std::array<std::string_view, 4> kReaders = {"e2fsck", "xfs_logprint", "xfs_repair",
                                                          "btrfs"};
    const bool reads = std::ranges::find(kReaders, command.front()) != kReaders.end();
    return run_tool(
        command, limit, reads ? stopped_ : [] { return false; });
}

Result<std::string> LinuxRestoreSystem::replace(const std::string& path, const std::string& text) {
    const Result<std::string> place = place_of(path);
    return place ? replace_keeping(*place, text) : place;
}

Result<std::string> LinuxRestoreSystem::remove(const std::string& path) {
    const Result<std::string> place = place_of(path);
    return place ? remove_keeping(*place) : place;
}

Result<void> LinuxRestoreSystem::put_back(const std::string& path, const std::string& copy) {
    const Result<std::string> place = place_of(path);
    return place ? put_back_kept(*place, copy) : Result<void>(place.error());
}

Result<std::string> LinuxRestoreSystem::copy_beginning(const std::string& device,
                                                       std::uint64_t size,
                                                       const std::string& file) {
    const Result<std::string> from = resolve(device);
    const Result<std::string> to = place_of(file);
    return from && to ? copy_beginning_of(*from, size, *to) : (from ? to : from);
}

Result<std::vector<std::string>> LinuxRestoreSystem::make_folder(const std::string& path) {
    const Result<std::string> place = resolve(path);
    if (!place) {
        return place.error();
    }
    std::vector<std::string> made;
    for (std::size_t at = place->find('/', 1);; at = place->find('/', at + 1)) {
        const std::string folder = place->substr(0, at);
        if (::mkdir(folder.c_str(), 0755) == 0) {
            // Others may use it too, whatever the umask of who starts us.
            (void)::chmod(folder.c_str(), 0755);
            made.push_back(folder);
        } else if (errno != EEXIST) {
            const Error error = failure(Code::file_unwritable, "make the folder", folder);
            for (auto one = made.rbegin(); one != made.rend(); ++one) {
                (void)::rmdir(one->c_str());
            }
            return error;
        }
        if (at == std::string::npos) {
            return made;
        }
    }
}

Result<void> LinuxRestoreSystem::remove_folder(const std::string& path) {
    // Meanwhile somebody else has something in it, or mounted on it: then it is theirs as well.
    if (::rmdir(path.c_str()) != 0 && errno != ENOTEMPTY && errno != EBUSY) {
        return failure(Code::file_unwritable, "take away the folder", path);
    }
    return {};
}

}  // namespace stillpoint::linux_os
