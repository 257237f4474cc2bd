// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

struct OpenedMount {
    UniqueFd fd;
    FsResult result = FsResult::held;  // or not_openable, replaced
    int error = 0;
};

/// Opens the mount point of `entry`, through another process's root where it lies in another
/// namespace, and checks that what was opened is what was planned: the same mount, of the same
/// superblock. May block for ever (a virus scanner that cannot answer), so it is called on a thread
/// that nobody waits for without a deadline.
OpenedMount open_mount(const LedgerEntry& entry);

}  // namespace stillpoint::linux_os
