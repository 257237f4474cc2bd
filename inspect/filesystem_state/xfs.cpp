// SPDX-License-Identifier: Apache-2.0
#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/filesystem_state.h"
#include "inspect/filesystem_state/xfs_log.h"

namespace stillpoint {
namespace {

// Offsets: Linux, fs/xfs/libxfs/xfs_format.h, struct xfs_dsb.
constexpr std::size_t kSuperblockSize = 512;
constexpr unsigned kVersion5 = 5;
constexpr std::size_t kChecksumAt = 224;
constexpr unsigned kNeedsRepair = 0x10;  // incompatible
// Freezing logs the superblock, once to cover the log and once on purpose.
constexpr std::uint64_t kFreezeRecords = 2;

struct Superblock {
    std::uint64_t size = 0;
    std::uint64_t log_offset = 0;
    std::uint64_t log_size = 0;
    bool log_elsewhere = false;
};

Result<Superblock> superblock_of(const std::string& super) {
    const unsigned block_log = byte_at(super, 120);
    const unsigned group_log = byte_at(super, 124);
    const std::uint64_t log_start = be64(super, 48);
    const std::uint64_t group_blocks = be32(super, 84);
    const std::uint64_t log_blocks = be32(super, 96);
    if (block_log < 9 || block_log > 16 || group_log > 31 || group_blocks == 0 || log_blocks == 0) {
        return fail(Code::volume_unreadable, "the superblock of XFS makes no sense");
    }
    // A block's number holds its allocation group in the upper bits.
    const std::uint64_t group = log_start >> group_log;
    const std::uint64_t in_group = log_start & ((1ULL << group_log) - 1);
    if (group >= (1ULL << 31U)) {
        return fail(Code::volume_unreadable, "the superblock of XFS makes no sense");
    }
    const std::uint64_t first = group * group_blocks + in_group;
    if (first >= (1ULL << (63U - block_log))) {
        return fail(Code::volume_unreadable, "the superblock of XFS makes no sense");
    }
    return Superblock{.size = saturated_product(be64(super, 8), 1ULL << block_log),
                      .log_offset = first << block_log,
                      .log_size = log_blocks << block_log,
                      .log_elsewhere = log_start == 0};
}

bool checksum_is_wrong(std::string super) {
    if ((be16(super, 100) & 0xFU) != kVersion5) {
        return false;  // older ones have none
    }
    const std::uint32_t kept = le32(super, kChecksumAt);
    super.replace(kChecksumAt, 4, 4, '\0');
    return kept != ~crc32c(~0U, super);
}

void judge(FilesystemState& state, const XfsLogContent& log) {
    state.facts.emplace_back("log_tail", std::to_string(log.tail));
    state.facts.emplace_back("log_head", std::to_string(log.head));
    state.facts.emplace_back("transactions", std::to_string(log.transactions));
    state.facts.emplace_back("of_superblock", std::to_string(log.of_superblock));
    if (log.all_zero) {
        state.verdict = FilesystemVerdict::not_told;
        state.sentence = "its log holds nothing, not even the record that mkfs.xfs writes";
    } else if (log.unmounted || log.tail == log.head) {
        state.verdict = FilesystemVerdict::clean;
        state.sentence = log.unmounted ? "its log ends with the record of an unmount"
                                       : "there is nothing in its log";
    } else if (log.transactions == log.of_superblock && log.incomplete == 0 &&
               !log.counted_in_part && log.transactions <= kFreezeRecords) {
        state.verdict = FilesystemVerdict::still;
        state.sentence =
            "its log holds only the superblock's record, as a freeze leaves it (and as an idle "
            "filesystem may)";
    } else {
        state.verdict = FilesystemVerdict::needs_replay;
        state.sentence = fmt::format("its log holds {}{} transactions to replay",
                                     log.counted_in_part ? "at least " : "", log.transactions);
    }
}

/// The superblock's sector in full: its checksum covers it.
Result<std::string> read_superblock(const ByteSource& volume) {
    Result<std::string> super = volume.read(0, kSuperblockSize);
    if (!super) {
        return super;
    }
    const std::size_t sector = be16(*super, 102);
    if (sector < kSuperblockSize || sector > 32768) {
        return fail(Code::volume_unreadable, "the superblock of XFS makes no sense");
    }
    return volume.read(0, sector);
}

}  // namespace

Result<FilesystemState> xfs_state(const ByteSource& volume) {
    const Result<std::string> super = read_superblock(volume);
    if (!super) {
        return super.error();
    }
    FilesystemState state;
    state.type = "xfs";
    state.uuid = uuid_text(*super, 32);
    state.label = padded_text(*super, 108, 12);
    if (checksum_is_wrong(*super)) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "the checksum of its superblock is wrong";
        return state;
    }
    const Result<Superblock> layout = superblock_of(*super);
    if (!layout) {
        return layout.error();
    }
    state.size_bytes = layout->size;
    if (layout->log_elsewhere) {
        state.verdict = FilesystemVerdict::not_told;
        state.sentence = "its log is on another device, which is not looked at";
        return state;
    }
    if (layout->log_offset > volume.size() ||
        layout->log_size > volume.size() - layout->log_offset) {
        return fail(Code::volume_unreadable, "the log of XFS lies outside its volume");
    }
    const Result<XfsLogContent> log =
        read_xfs_log(ByteStretch(volume, layout->log_offset, layout->log_size));
    if (!log) {
        return log.error();
    }
    judge(state, *log);
    if ((be16(*super, 100) & 0xFU) == kVersion5 && (be32(*super, 216) & kNeedsRepair) != 0) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "it is marked as in need of repair";
    }
    return state;
}

}  // namespace stillpoint
