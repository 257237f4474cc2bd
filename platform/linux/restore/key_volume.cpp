// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/key_volume.h"

#include <cerrno>
#include <optional>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

/// The largest key file that cryptsetup reads by itself is 8 MiB; a volume's are below 1 KiB.
constexpr std::size_t kMostBytes = 64U << 10;

/// Every system has it, and nothing below it is needed in the namespace.
constexpr const char* kMountPoint = "/run";

Error unreadable(const std::string& device, std::string_view what) {
    return fail(
               Code::volume_unreadable,
               fmt::format("the volume with the key files, '{}', cannot be read: {}", device, what))
        .with_errno(errno);
}

Result<std::map<std::string, Secret>> read_folder(const std::string& device) {
    std::map<std::string, Secret> keys;
    DIR* folder = ::opendir(kMountPoint);
    if (folder == nullptr) {
        return unreadable(device, "its folder does not open");
    }
    while (const dirent* entry = ::readdir(folder)) {
        const std::string name = entry->d_name;
        Result<std::optional<Secret>> key = read_key_file(std::string(kMountPoint) + "/" + name);
        if (key && *key) {
            keys.emplace(name, std::move(**key));
        }
    }
    ::closedir(folder);
    return keys;
}

Result<std::map<std::string, Secret>> read_mounted(const std::string& device) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return unreadable(device, "a mount namespace cannot be had");
    }
    if (::mount(device.c_str(), kMountPoint, "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                nullptr) != 0) {
        return unreadable(device, errno == ENODEV ? "the kernel has no vfat" : "it does not mount");
    }
    Result<std::map<std::string, Secret>> keys = read_folder(device);
    (void)::umount2(kMountPoint, MNT_DETACH);
    return keys;
}

}  // namespace

Result<std::optional<Secret>> read_key_file(const std::string& path) {
    // Never waits, whatever lies there.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat about {};
    if (!file) {
        return errno == ENOENT || errno == ENOTDIR
                   ? Result<std::optional<Secret>>(std::nullopt)
                   : fail(Code::file_unreadable, fmt::format("cannot open '{}'", path))
                         .with_errno(errno);
    }
    if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
        return std::optional<Secret>();
    }
    if (static_cast<std::size_t>(about.st_size) > kMostBytes) {
        return fail(Code::file_unreadable, fmt::format("'{}' is too large for a key", path));
    }
    // At its full size from the start: a string that grows leaves copies behind.
    std::string bytes(kMostBytes, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            const Error error = fail(Code::file_unreadable, fmt::format("cannot read '{}'", path))
                                    .with_errno(errno);
            wipe(bytes);
            return error;
        }
        size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    bytes.resize(size);
    return std::optional<Secret>(Secret(std::move(bytes)));
}

Result<std::map<std::string, Secret>> read_key_volume(const std::string& device) {
    std::optional<Result<std::map<std::string, Secret>>> keys;
    std::thread reader([&] { keys.emplace(read_mounted(device)); });
    reader.join();
    return std::move(*keys);
}

}  // namespace stillpoint::linux_os
