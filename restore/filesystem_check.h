// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "restore/facts.h"

namespace stillpoint {

/// Looks at a filesystem that is not mounted, without writing a byte: its superblock, then the
/// system's own tools.
FilesystemFacts check_filesystem(RestoreSystem& system, const RestoreDevice& device);

// What the tools and superblocks say, taken apart; pure.

enum class JournalState { at_rest, holds_changes, has_errors, unknown };

/// The 1024 bytes at offset 1024 of ext2, ext3 and ext4. Source: the kernel's
/// Documentation/filesystems/ext4/super.rst.
JournalState ext_state(std::string_view superblock);

/// Whether those bytes name files that were deleted while still open. A freeze leaves these in
/// place, in the list that the superblock begins or in the orphan file.
bool ext_has_orphans(std::string_view superblock);

/// The first thing that `e2fsck -fn` found beside them; empty: nothing.
std::string ext_damage_beside_orphans(std::string_view printed);

/// The 4096 bytes at offset 65536 of btrfs. Source: the kernel's
/// include/uapi/linux/btrfs_tree.h, struct btrfs_super_block.
JournalState btrfs_state(std::string_view superblock);

/// What `xfs_logprint -t` prints. A freeze leaves the superblock's own record in the log, on
/// purpose, and so the log is never clean after one: only what is beside that counts as changes.
JournalState xfs_log_state(std::string_view printed);

/// Whether `xfs_repair -n` found files that were deleted while still open.
bool xfs_has_orphans(std::string_view printed);

/// The first thing that `xfs_repair -n` would mend beside these; empty: nothing. Its exit code does
/// not tell: it is 1 for every log that holds a freeze's record.
std::string xfs_damage(std::string_view printed);

}  // namespace stillpoint
