// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/freeze_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {
namespace {

constexpr int kLookMs = 50;  // fcntl knows no deadline

Error unusable(const std::string& path, int number) {
    return fail(Code::file_unwritable, fmt::format("cannot use the lock file '{}'", path))
        .with_errno(number);
}

/// The file must not be made where there is one: whoever holds the lock may have frozen the
/// filesystem it lies on, and an open() that may create waits for the thaw. For the same reason it
/// is looked up first, so that the open finds it without reading the folder.
UniqueFd open_existing(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return UniqueFd();
    }
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISLNK(status.st_mode) ? ELOOP : EINVAL;
        return UniqueFd();
    }
    return UniqueFd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

Result<UniqueFd> open_or_make(const std::string& folder, const std::string& path) {
    UniqueFd fd = open_existing(path);
    if (!fd && errno == ENOENT) {
        constexpr mode_t kFolderMode = 0755;
        (void)::mkdir(folder.substr(0, folder.rfind('/')).c_str(), kFolderMode);
        (void)::mkdir(folder.c_str(), kFolderMode);
        fd = UniqueFd(
            ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    }
    if (!fd) {
        return unusable(path, errno);
    }
    return fd;
}

}  // namespace

Result<bool> FreezeLock::try_lock(const std::string& path, const UniqueFd& file) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file.get(), F_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES || errno == EINTR) {
            return false;
        }
        return unusable(path, errno);
    }
    struct stat ours {};
    struct stat there {};
    return ::fstat(file.get(), &ours) == 0 && ::lstat(path.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

Result<FreezeLock> FreezeLock::take(const std::string& folder, Instant until) {
    const std::string path = folder + "/SafeFreezeLockFile";
    while (true) {
        // Anew each time: the one that was waited for may have been removed.
        Result<UniqueFd> fd = open_or_make(folder, path);
        if (!fd) {
            return fd.error();
        }
        const Result<bool> locked = try_lock(path, *fd);
        if (!locked) {
            return locked.error();
        }
        if (*locked) {
            return FreezeLock(std::move(*fd));
        }
        if (boottime_now() >= until) {
            return fail(Code::another_backup_runs,
                        fmt::format("another agent holds the lock '{}'", path));
        }
        (void)::poll(nullptr, 0, kLookMs);
    }
}

}  // namespace stillpoint::linux_os
