// SPDX-License-Identifier: Apache-2.0
#include "inspect/filesystem_state/ext_journal.h"

#include <string>

#include "inspect/bytes.h"

namespace stillpoint {
namespace {

// Offsets: Linux, Documentation/filesystems/ext4/super.rst, ifork.rst and journal.rst.
constexpr std::size_t kJournalBlocks = 0x10C;  // s_jnl_blocks, if s_jnl_backup_type is 1
constexpr std::size_t kBackupType = 0xFD;
constexpr unsigned kExtentMagic = 0xF30A;
constexpr std::uint32_t kJournalMagic = 0xC03B3998;
constexpr std::uint32_t kSuperblockV1 = 3;
constexpr std::uint32_t kSuperblockV2 = 4;

/// The journal's first block; 0: not told here.
std::uint64_t first_block(std::string_view super) {
    if (le16(super, kJournalBlocks) != kExtentMagic) {
        return le32(super, kJournalBlocks);  // of a block map the first
    }
    const bool is_leaf = le16(super, kJournalBlocks + 6) == 0;
    const std::size_t extent = kJournalBlocks + 12;
    if (!is_leaf || le16(super, kJournalBlocks + 2) == 0 || le32(super, extent) != 0) {
        return 0;
    }
    return std::uint64_t{le16(super, extent + 6)} << 32U | le32(super, extent + 8);
}

}  // namespace

std::optional<ExtJournal> ext_journal(const ByteSource& volume, std::string_view super,
                                      std::uint64_t block_bytes) {
    const std::uint64_t block = byte_at(super, kBackupType) == 1 ? first_block(super) : 0;
    if (block == 0) {
        return std::nullopt;
    }
    const Result<std::string> journal = volume.read(saturated_product(block, block_bytes), 64);
    if (!journal || be32(*journal, 0) != kJournalMagic ||
        (be32(*journal, 4) != kSuperblockV1 && be32(*journal, 4) != kSuperblockV2)) {
        return std::nullopt;
    }
    return ExtJournal{.start = be32(*journal, 0x1C), .error = be32(*journal, 0x20)};
}

}  // namespace stillpoint
