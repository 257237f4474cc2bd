// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/encryption_headers.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/key_cost.h"

namespace stillpoint::linux_os {

/// LUKS version 1 on the disk. Source: "LUKS1 On-Disk Format Specification 1.2.3", table "PHDR
/// layout".
struct Luks1Layout {
    static constexpr std::size_t kBytes = 592;

    EncryptionHeader header;         // state and digest of the keyslots are not set
    std::vector<Stretch> key_areas;  // of the keyslots in use
    std::vector<KeyCost> key_costs;  // of the same, and of proving what they hold
    std::string hash;
    std::string cipher_name;  // "aes"
    std::string cipher_mode;  // "xts-plain64"
    int key_bytes = 0;
    std::string fault;  // a sentence, when the fields contradict each other
};

/// No value: it does not begin with such a header. `start`: the volume's first kBytes.
std::optional<Luks1Layout> parse_luks1(std::string_view start, std::uint64_t volume_bytes);

}  // namespace stillpoint::linux_os
