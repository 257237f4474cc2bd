// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/file_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {

Result<std::optional<UniqueFd>> lock_file(const std::string& path, Instant until) {
    constexpr int kLookMs = 50;  // flock knows no deadline
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) {
        return fail(Code::file_unwritable, "cannot open the lock file '" + path + "'")
            .with_errno(errno);
    }
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(Code::file_unwritable, "cannot lock '" + path + "'").with_errno(errno);
        }
        if (boottime_now() >= until) {
            return std::optional<UniqueFd>();
        }
        (void)::poll(nullptr, 0, kLookMs);
    }
    return std::optional(std::move(fd));
}

}  // namespace stillpoint::linux_os
