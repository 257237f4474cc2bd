// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stillpoint::linux_os {

/// One of the two copies of a LUKS2 header on the disk: a binary header, then an area of JSON.
/// Source: "LUKS2 On-Disk Format Specification 1.1.1", chapter 2.
struct Luks2Copy {
    static constexpr std::size_t kBinaryBytes = 4096;
    static constexpr std::uint64_t kMostBytes = 4U << 20;
    /// Where the second copy may lie: behind the first one, whose size is one of these.
    static constexpr std::array<std::uint64_t, 9> kSecondOffsets = {
        0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000};

    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  // both parts; 0: not known
    std::uint64_t sequence = 0;
    std::string label;
    std::string uuid;
    std::string checksum_algorithm;
    std::string checksum;
};

/// The binary header of the copy at `offset`, 0 being the first's. No value: there is none.
/// Its fields say nothing before the checksum is known to be right.
std::optional<Luks2Copy> parse_luks2_binary(std::string_view binary, std::uint64_t offset);

enum class Luks2Checksum { right, wrong, unknown_algorithm };

/// `whole`: the copy's `bytes` bytes, fewer where the volume ends.
Luks2Checksum check_luks2(const Luks2Copy& copy, std::string_view whole);

/// The JSON text of a whole copy.
std::string_view luks2_json(std::string_view whole);

}  // namespace stillpoint::linux_os
