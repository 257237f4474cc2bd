// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "platform/byte_source.h"

namespace stillpoint {

enum class FilesystemVerdict {
    clean,         // nothing to replay and nothing marked: unmounted, or held still
    still,         // xfs: its log holds nothing but the record that freezing itself writes
    no_replay,     // nothing to replay, which does not tell that it was held still
    was_mounted,   // has no log, and says only that it was mounted: nothing follows from that
    not_told,      // what would tell it is not in this image, or is not read here
    needs_replay,  // a log must be replayed: the image is of a moment in the middle of work
    errors,        // it says of itself that it is damaged or must be checked
    unreadable,    // recognised, but its state cannot be read
};

/// What a filesystem says of itself, read without mounting it and without replaying a log.
struct FilesystemState {
    std::string type;  // "ext4", "xfs", "btrfs", "ntfs", "vfat", ...
    std::string uuid;
    std::string label;
    std::uint64_t size_bytes = 0;  // that it takes itself to have; 0: not known
    FilesystemVerdict verdict = FilesystemVerdict::unreadable;
    std::string sentence;  // what the verdict rests on
    /// What was read, by the names that the filesystem's own tools use.
    std::vector<std::pair<std::string, std::string>> facts;

    bool operator==(const FilesystemState&) const = default;
};

/// Each is asked only where content.h has recognised that filesystem.
/// Errors: volume_unreadable, also when a structure lies outside the volume or makes no sense.
Result<FilesystemState> ext_state(const ByteSource& volume);
Result<FilesystemState> xfs_state(const ByteSource& volume);
Result<FilesystemState> btrfs_state(const ByteSource& volume);
Result<FilesystemState> ntfs_state(const ByteSource& volume);
Result<FilesystemState> fat_state(const ByteSource& volume);

}  // namespace stillpoint
