// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint {

/// One backup at a time on a machine, whatever version of the extension does it: a lock that the
/// kernel gives back when its process ends, however it ends.
class WorkerLock {
public:
    /// Errors: file_unwritable; another_backup_runs, when somebody else holds it until `until`.
    static Result<WorkerLock> take(const std::string& folder, Instant until);

    /// Whether somebody holds it now.
    static bool is_held(const std::string& folder);

private:
    explicit WorkerLock(linux_os::UniqueFd fd) : fd_(std::move(fd)) {}
    linux_os::UniqueFd fd_;
};

}  // namespace stillpoint
