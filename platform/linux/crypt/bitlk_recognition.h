// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "platform/linux/crypt/bitlk_layout.h"
#include "platform/linux/crypt/header_copy.h"
#include "platform/linux/crypt/volume_reader.h"

namespace stillpoint::linux_os {

/// A BITLK volume's boot sector and its first metadata block that is whole. The block is wiped:
/// while protection is suspended, it holds the key for it in the clear.
struct BitlkVolume {
    BitlkVolume() = default;
    BitlkVolume(const BitlkVolume&) = default;
    BitlkVolume(BitlkVolume&&) = default;
    BitlkVolume& operator=(const BitlkVolume&) = delete;
    BitlkVolume& operator=(BitlkVolume&&) = delete;
    ~BitlkVolume() { wipe(block_bytes); }

    std::string boot_sector;
    BitlkBoot boot;
    std::string block_bytes;
    std::optional<BitlkBlock> block;  // no value: none of the three
    std::uint64_t block_offset = 0;
    std::size_t damaged_blocks = 0;  // of the three
};

/// No value: not such a volume. Errors: volume_unreadable.
Result<std::optional<BitlkVolume>> read_bitlk(const VolumeReader& volume);

/// A copy for libcryptsetup. It reads only the block that the boot sector names first, so in the
/// copy that is the whole one.
/// Errors: volume_unreadable.
Result<HeaderCopy> copy_bitlk(const BitlkVolume& bitlk, std::uint64_t volume_bytes);

}  // namespace stillpoint::linux_os
