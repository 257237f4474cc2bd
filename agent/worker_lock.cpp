// SPDX-License-Identifier: Apache-2.0
#include "agent/worker_lock.h"

#include "platform/linux/file_lock.h"

namespace stillpoint {
namespace {

std::string path_in(const std::string& folder) {
    return folder + "/worker.lock";
}

}  // namespace

Result<WorkerLock> WorkerLock::take(const std::string& folder, Instant until) {
    Result<std::optional<linux_os::UniqueFd>> fd = linux_os::lock_file(path_in(folder), until);
    if (!fd) {
        return fd.error();
    }
    if (!*fd) {
        return fail(Code::another_backup_runs, "another backup of this machine is still running");
    }
    return WorkerLock(std::move(**fd));
}

bool WorkerLock::is_held(const std::string& folder) {
    const Result<std::optional<linux_os::UniqueFd>> fd =
        linux_os::lock_file(path_in(folder), Instant(0));
    return fd && !*fd;
}

}  // namespace stillpoint
