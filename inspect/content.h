// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "inspect/filesystem_state/filesystem_state.h"
#include "platform/byte_source.h"

namespace stillpoint {

enum class ContentKind {
    nothing_recognised,
    filesystem,
    lvm_member,
    raid_member,  // Linux md
    swap,
    other,  // recognised by name alone
};

/// What a volume that is not encrypted, or the inside of one that is, begins with.
struct Content {
    ContentKind kind = ContentKind::nothing_recognised;
    std::string name;  // "xfs", "LVM2_member", "linux_raid_member", "swap"; as libblkid has them
    std::optional<FilesystemState> filesystem;  // of those whose state can be told
    std::string problem;  // what speaks against it although it was not recognised; mostly empty

    bool operator==(const Content&) const = default;
};

/// Reads the state of ext2/3/4, xfs, btrfs, NTFS and FAT, and recognises what holds no filesystem
/// itself. Errors: volume_unreadable, when the volume's beginning cannot be read.
Result<Content> content_of(const ByteSource& volume);

}  // namespace stillpoint
