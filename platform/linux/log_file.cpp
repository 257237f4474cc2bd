// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/log_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stillpoint::linux_os {
namespace {

constexpr mode_t kOwnerOnly = 0600;

UniqueFd open_log(const std::string& path) {
    // O_NONBLOCK: a pipe without a reader must not hold us up.
    UniqueFd fd(::open(path.c_str(),
                       O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                       kOwnerOnly));
    struct stat status {};
    if (fd && (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))) {
        return UniqueFd();
    }
    return fd;
}

bool is_full(const UniqueFd& fd) {
    struct stat status {};
    return fd && ::fstat(fd.get(), &status) == 0 && status.st_size > LogFile::kRotateBytes;
}

bool is_at(const std::string& path, const UniqueFd& fd) {
    struct stat ours {};
    struct stat there {};
    return ::fstat(fd.get(), &ours) == 0 && ::lstat(path.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/// Of several processes that find the file full one moves it away. The lock is on the full file
/// itself: whoever gets it later sees that the path leads to another one by then.
void rotate(const std::string& path, const UniqueFd& full) {
    if (::flock(full.get(), LOCK_EX | LOCK_NB) == 0 && is_at(path, full)) {
        (void)::rename(path.c_str(), (path + ".1").c_str());
    }
}

}  // namespace

LogFile::LogFile(const std::string& folder) {
    const std::string path = folder + "/extension.log";
    fd_ = open_log(path);
    if (is_full(fd_)) {
        rotate(path, fd_);
        fd_ = open_log(path);
    }
    if (fd_) {
        // It may have been made by the extension before us, for everybody to read.
        (void)::fchmod(fd_.get(), kOwnerOnly);
    }
}

void LogFile::write(std::string_view line) const {
    (void)!::write(fd_.get(), line.data(), line.size());
}

}  // namespace stillpoint::linux_os
