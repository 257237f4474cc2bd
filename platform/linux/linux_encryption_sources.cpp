// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/linux_encryption_sources.h"

#include <algorithm>
#include <functional>

#include <boost/filesystem/operations.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/linux/local_paths.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/vfat_support.h"

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

constexpr const char* kAzureConfig = "/var/lib/azure_disk_encryption_config";
constexpr const char* kWaagent = "/var/lib/waagent";
constexpr std::string_view kExtension = "Microsoft.Azure.Security.AzureDiskEncryptionForLinux-";
constexpr off_t kTextLimit = 1 << 20;

std::vector<std::string> names_in(const LocalPaths& paths, const std::string& folder) {
    std::vector<std::string> names;
    if (const auto place = paths.find(folder)) {
        boost::system::error_code error;
        for (fs::directory_iterator at(place->path, error), end; !error && at != end;
             at.increment(error)) {
            names.push_back(at->path().filename().string());
        }
    }
    std::ranges::sort(names);
    return names;
}

/// The text of a plain file; no value when there is none. One that cannot be read is a gap.
std::optional<std::string> text_of(const LocalPaths& paths, const std::string& path,
                                   std::vector<std::string>& gaps) {
    const auto place = paths.find(path);
    if (!place) {
        return std::nullopt;
    }
    const UniqueFd fd(::open(place->path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        gaps.push_back(fmt::format("'{}' cannot be read: {}", path, errno_text(errno)));
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > kTextLimit) {
        gaps.push_back(fmt::format("'{}' is no plain file, or larger than 1 MiB", path));
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

/// The links below `folder` ("/dev/disk"), under the names that they have in /dev.
void collect_links(const fs::path& folder, const std::string& name,
                   std::map<std::string, std::string>& links, int depth = 0) {
    boost::system::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string path = name + '/' + at->path().filename().string();
        boost::system::error_code failed;
        if (fs::is_symlink(at->symlink_status(failed))) {
            const fs::path target = fs::read_symlink(at->path(), failed);
            links.emplace(path, target.filename().string());
        } else if (depth < 3 && fs::is_directory(at->symlink_status(failed))) {
            collect_links(at->path(), path, links, depth + 1);
        }
    }
}

/// By the link that udev makes for its label, else by where Azure Disk Encryption mounts it.
std::string bek_device_of(const Inventory& inventory, const EncryptionSources& sources) {
    for (const char* link : {"/dev/disk/by-label/BEK\\x20VOLUME", "/dev/disk/azure/BEK-part1"}) {
        if (const auto found = sources.links.find(link); found != sources.links.end()) {
            return found->second;
        }
    }
    for (const Mount& mount : inventory.mounts) {
        if (mount.type == "vfat" && (mount.mount_point.ends_with("/azure_bek_disk"))) {
            const auto device =
                std::ranges::find(inventory.devices, mount.device, &BlockDevice::number);
            return device == inventory.devices.end() ? std::string() : device->name;
        }
    }
    return "";
}

std::string mount_point_of(const Inventory& inventory, const std::string& device) {
    const auto found = std::ranges::find(inventory.devices, device, &BlockDevice::name);
    for (const Mount& mount : inventory.mounts) {
        if (found != inventory.devices.end() && mount.device == found->number &&
            mount.namespace_pid == 0) {
            return mount.mount_point;
        }
    }
    return "";
}

}  // namespace

std::vector<FoundFile> LinuxEncryptionSources::find(const Inventory& inventory,
                                                    const std::vector<std::string>& paths) const {
    const LocalPaths below_root(inventory, root_);
    const LocalPaths devices(inventory, "/");
    std::vector<FoundFile> found;
    for (const std::string& path : paths) {
        const LocalPaths& from = path.starts_with("/dev/") ? devices : below_root;
        if (const auto place = from.find(path); place && !S_ISDIR(place->mode)) {
            found.push_back({path, place->path, place->device, S_ISBLK(place->mode)});
        }
    }
    return found;
}

EncryptionSources LinuxEncryptionSources::read(const Inventory& inventory) const {
    const LocalPaths below_root(inventory, root_);
    EncryptionSources sources;
    const auto text = [&](const std::string& path) {
        return text_of(below_root, path, sources.gaps);
    };
    const std::string config = kAzureConfig;
    sources.crypttab = text("/etc/crypttab");
    sources.fstab = text("/etc/fstab");
    sources.azure_crypt_mount = text(config + "/azure_crypt_mount");
    sources.azure_crypt_config = text(config + "/azure_crypt_config.ini");
    sources.azure_config_names = names_in(below_root, config);
    for (const char* folder : {"/disk", "/mapper"}) {
        collect_links(dev_root_ + folder, std::string("/dev") + folder, sources.links);
    }
    sources.bek_device = bek_device_of(inventory, sources);
    sources.bek_mount_point = mount_point_of(inventory, sources.bek_device);
    if (!sources.bek_mount_point.empty()) {
        sources.bek_names = names_in(LocalPaths(inventory, "/"), sources.bek_mount_point);
    }

    std::vector<std::string> headers = {"/osluksheader", "/boot/osluksheader"};
    for (const std::string& name : names_in(below_root, "/boot/luks")) {
        headers.push_back("/boot/luks/" + name);
    }
    for (const std::string& name : sources.azure_config_names) {
        if (name.starts_with("azureluksheader")) {
            headers.push_back(config + '/' + name);
        }
    }
    sources.header_files = find(inventory, headers);
    sources.no_vfat_because = why_no_vfat(root_);
    for (const std::string& name : names_in(below_root, kWaagent)) {
        if (name.starts_with(kExtension) && !name.ends_with(".zip")) {
            sources.ade_versions.push_back(name.substr(kExtension.size()));
        }
    }
    return sources;
}

}  // namespace stillpoint::linux_os
