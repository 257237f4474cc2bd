// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/filesystem_state.h"

namespace stillpoint {
namespace {

// Offsets: Linux, include/uapi/linux/btrfs_tree.h, struct btrfs_super_block.
constexpr std::size_t kSuperblockSize = 4096;
constexpr std::uint64_t kFirst = 64U << 10U;
constexpr std::uint64_t kSecond = 64U << 20U;
constexpr std::size_t kChecksumSize = 32;
constexpr std::string_view kMagic = "_BHRfS_M";
constexpr unsigned kCrc32c = 0;
constexpr unsigned kErrorFlag = 4;  // BTRFS_SUPER_FLAG_ERROR

/// The superblock at `place`, if there is one and its checksum does not speak against it.
std::optional<std::string> superblock(const ByteSource& volume, std::uint64_t place) {
    Result<std::string> super = volume.read(place, kSuperblockSize);
    if (!super || std::string_view(*super).substr(0x40, kMagic.size()) != kMagic) {
        return std::nullopt;
    }
    const bool checkable = le16(*super, 0xC4) == kCrc32c;
    if (checkable &&
        le32(*super, 0) != ~crc32c(~0U, std::string_view(*super).substr(kChecksumSize))) {
        return std::nullopt;
    }
    return std::move(*super);
}

}  // namespace

Result<FilesystemState> btrfs_state(const ByteSource& volume) {
    FilesystemState state;
    state.type = "btrfs";
    const std::optional<std::string> first = superblock(volume, kFirst);
    const std::optional<std::string> super = first ? first : superblock(volume, kSecond);
    if (!super) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence =
            "the checksum of its superblock is wrong, and there is no valid second one";
        return state;
    }
    const std::uint64_t log_root = le64(*super, 0x60);
    const std::uint64_t devices = le64(*super, 0x88);
    state.uuid = uuid_text(*super, 0x20);
    state.label = padded_text(*super, 0x12B, 256);
    state.size_bytes = le64(*super, 0xC9 + 8);  // of this device
    state.facts = {{"generation", std::to_string(le64(*super, 0x48))},
                   {"log_root", std::to_string(log_root)},
                   {"num_devices", std::to_string(devices)}};
    if (!first) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "its first superblock is damaged; the second one is valid";
    } else if ((le64(*super, 0x38) & kErrorFlag) != 0) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "it is marked as having errors";
    } else if (log_root != 0) {
        state.verdict = FilesystemVerdict::needs_replay;
        state.sentence = "there is a log tree to replay";
    } else {
        // Between two commits nothing but an fsync makes a log tree, and each commit is whole.
        state.verdict = FilesystemVerdict::no_replay;
        state.sentence =
            "there is no log tree; it is as of its last commit, which does not tell whether that "
            "was a still point";
    }
    if (devices > 1) {
        state.sentence +=
            fmt::format("; this is one of its {} devices, the others are not looked at", devices);
    }
    if (le16(*super, 0xC4) != kCrc32c) {
        state.sentence += "; the checksum of its superblock is of a kind that is not verified here";
    }
    return state;
}

}  // namespace stillpoint
