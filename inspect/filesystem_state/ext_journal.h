// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/byte_source.h"

namespace stillpoint {

/// What the superblock of a journal says.
struct ExtJournal {
    std::uint32_t start = 0;  // the block where replay begins; 0: the journal is empty
    std::uint32_t error = 0;  // why it was aborted; 0: it was not
};

/// The journal inside the filesystem, by the copy of its inode that the filesystem's own `super`
/// block holds. No value: it is not found there, as with very old filesystems.
std::optional<ExtJournal> ext_journal(const ByteSource& volume, std::string_view super,
                                      std::uint64_t block_bytes);

}  // namespace stillpoint
