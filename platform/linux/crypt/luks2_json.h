// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/encryption_headers.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/key_cost.h"

namespace stillpoint::linux_os {

/// What a LUKS2 header's JSON says, as far as it can be understood: what is missing or of another
/// type than it should be is left out. Source: "LUKS2 On-Disk Format Specification 1.1.1",
/// chapter 3.
struct Luks2Content {
    /// False: it is not JSON as the standard has it, which the library's parser may take all the
    /// same.
    bool readable = false;
    std::string cipher;
    int key_bits = 0;
    int sector_bytes = 512;
    std::uint64_t payload_offset_bytes = 0;
    std::uint64_t iv_offset_sectors = 0;
    bool reencrypting = false;
    /// One stretch of ciphertext and nothing else: neither integrity tags nor several segments.
    bool simple = false;
    std::vector<Keyslot> keyslots;
    std::vector<Stretch> key_areas;  // in the order of `keyslots`
    std::vector<KeyCost> key_costs;  // of the keyslots, and of proving what they hold
    std::vector<KeyToken> tokens;
    /// Of what a program must know to use the volume, the first thing that libcryptsetup 2.6 does
    /// not.
    std::string unknown_requirement;
};

Luks2Content parse_luks2_json(std::string_view text);

}  // namespace stillpoint::linux_os
