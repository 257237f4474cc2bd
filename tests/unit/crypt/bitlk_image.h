// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace stillpoint::testing {

/// A BITLK volume as Windows makes it, small and without content: it can be opened with a .BEK
/// file. (Windows' own images are in tests/images.)
struct BitlkImage {
    static constexpr std::size_t kBlockOffset = 8192;  // the second and third follow
    static constexpr std::size_t kBlockBytes = 64U << 10;
    static constexpr const char* kGuid = "00112233-4455-6677-8899-aabbccddeeff";

    std::string volume_key = std::string(32, 'v');
    std::uint16_t cipher = 0x8004;  // AES-XTS with 128 bits
    std::uint16_t state = 4;
    bool to_go = false;
    bool encrypt_on_write = false;

    /// The three metadata blocks have these protectors: passphrase, recovery, external key, TPM.
    std::string bytes() const;
    std::string bek_file() const;
    /// For another protector of another volume.
    std::string foreign_bek_file() const;
};

}  // namespace stillpoint::testing
