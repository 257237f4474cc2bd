// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/encryption_headers.h"

namespace stillpoint::linux_os {

// BitLocker on the disk: the boot sector names three metadata blocks, all the same. Source:
// "BitLocker Drive Encryption (BDE) format specification" of libbde, and lib/bitlk in cryptsetup.

enum class BitlkKind { normal, to_go, vista };

struct BitlkBoot {
    static constexpr std::size_t kBytes = 512;

    BitlkKind kind = BitlkKind::normal;
    int sector_bytes = 512;
    bool encrypt_on_write = false;
    std::size_t offsets_at = 0;  // in the sector: three numbers of 64 bits
    std::array<std::uint64_t, 3> metadata_offsets = {};
};

/// No value: not the boot sector of such a volume.
std::optional<BitlkBoot> parse_bitlk_boot(std::string_view sector);

/// What may open a volume: the volume master key, encrypted once for each of them.
struct BitlkProtector {
    static constexpr std::uint16_t kRecovery = 0x0800;
    static constexpr std::uint16_t kPassphrase = 0x2000;
    static constexpr std::uint16_t kExternal = 0x0200;

    std::string guid;
    std::uint16_t kind = 0;
    std::size_t kind_at = 0;  // in the block: two bytes
    bool has_key = false;     // of the size it must have
};

struct BitlkBlock {
    static constexpr std::size_t kBytes = 64U << 10;

    EncryptionHeader header;                 // state and sector size are not set
    std::vector<BitlkProtector> protectors;  // as in header.keyslots
    std::size_t used_bytes = 0;              // without what follows the metadata
    std::uint64_t boot_copy_offset = 0;      // where the volume's first sectors lie in truth
    std::uint64_t boot_copy_bytes = 0;
    bool known_cipher = false;
    bool has_key = false;  // of the size its cipher needs
};

/// No value: no such block, or one that its checksum says is damaged.
std::optional<BitlkBlock> parse_bitlk_block(std::string_view bytes);

/// The GUID of the protector that a .BEK file is for. No value: not such a file.
std::optional<std::string> bek_protector(std::string_view file);

}  // namespace stillpoint::linux_os
