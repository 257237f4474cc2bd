// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

struct OpenedMount {
    UniqueFd fd;
    FsResult result = FsResult::held;  // or not_openable, replaced
    int error = 0;
};

/// Where a filesystem is mounted, and what must be found there.
struct MountPlace {
    std::string mount_point;
    int mount_id = 0;
    int namespace_pid = 0;  // 0: our own namespace
    DeviceNumber device;
};

/// The path of a mount point, through the root of a process that lives in its mount namespace (0:
/// our own).
std::string path_in_namespace(const std::string& mount_point, int namespace_pid);

/// Opens a mount point, through another process's root where it lies in another namespace, and
/// checks that what was opened is what was planned: the same mount, of the same
/// superblock. May block for ever (a virus scanner that cannot answer), so it is called on a thread
/// that nobody waits for without a deadline.
OpenedMount open_mount(const MountPlace& place);

/// The same without opening what lies there: good for statfs(2) only, but no virus scanner is asked
/// and nothing of the filesystem is read.
OpenedMount open_mount_path(const MountPlace& place);

inline MountPlace place_of(const LedgerEntry& entry) {
    return {entry.mount_point, entry.mount_id, entry.namespace_pid, entry.device};
}

}  // namespace stillpoint::linux_os
