// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// Where the lock file lies, for every agent that knows it.
inline constexpr char kFreezeLockFolder[] = "/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock";

/// The lock with which agents that freeze filesystems keep out of each other's way: the VM backup
/// extension before us and the one of Azure Site Recovery take an exclusive lock (fcntl(2),
/// F_SETLK) on the file SafeFreezeLockFile.
/// Source: https://github.com/Azure/azure-linux-extensions, VMBackup/main/fsfreezer.py.
///
/// The others remove the file when they let go, so a lock counts only if the path still leads to
/// the file that was locked. We leave the file where it is: a lock on a file that somebody else
/// has opened and that is gone meanwhile would keep nobody out.
class FreezeLock {
public:
    /// Opens the file, makes it if there is none, and waits for the lock. To be called while
    /// nothing is held: once taken, nothing of it touches the filesystem until it is let go.
    /// Errors: another_backup_runs, when somebody else holds it until `until`; file_unwritable.
    static Result<FreezeLock> take(const std::string& folder, Instant until);

    /// One try for a file that was opened at `path`: whether it is locked, and still the one that
    /// is there. Errors: file_unwritable.
    static Result<bool> try_lock(const std::string& path, const UniqueFd& file);

private:
    explicit FreezeLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace stillpoint::linux_os
