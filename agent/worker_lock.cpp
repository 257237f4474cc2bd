// SPDX-License-Identifier: Apache-2.0
#include "agent/worker_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include "platform/linux/guard/boottime.h"

namespace stillpoint {
namespace {

linux_os::UniqueFd open_lock(const std::string& folder) {
    const std::string path = folder + "/worker.lock";
    return linux_os::UniqueFd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
}

}  // namespace

Result<WorkerLock> WorkerLock::take(const std::string& folder, Instant until) {
    constexpr int kLookMs = 50;  // flock knows no deadline
    linux_os::UniqueFd fd = open_lock(folder);
    if (!fd) {
        return fail(Code::file_unwritable, "cannot open the worker's lock file").with_errno(errno);
    }
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(Code::file_unwritable, "cannot lock the worker's lock file")
                .with_errno(errno);
        }
        if (linux_os::boottime_now() >= until) {
            return fail(Code::another_backup_runs,
                        "another backup of this machine is still running");
        }
        (void)::poll(nullptr, 0, kLookMs);
    }
    return WorkerLock(std::move(fd));
}

bool WorkerLock::is_held(const std::string& folder) {
    const linux_os::UniqueFd fd = open_lock(folder);
    return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace stillpoint
