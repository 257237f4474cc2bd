// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/inventory.h"

namespace stillpoint {

/// What a filesystem's type says about holding it still (docs/adr/0003-what-is-held.md).
enum class FilesystemKind {
    freezes,      // on block devices, and its driver implements freezing
    only_synced,  // on block devices, and freezing it is refused or not known to work
    clustered,    // on shared block devices: a freeze here stops every node
    fuse_block,   // a user's process writes the block device (ntfs-3g): never touched
    fuse,
    network,
    zfs,
    pseudo,  // no storage of its own: proc, tmpfs, overlay
};

FilesystemKind kind_of(const Mount& mount);

}  // namespace stillpoint
