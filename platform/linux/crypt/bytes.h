// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stillpoint::linux_os {

/// A stretch of a volume.
struct Stretch {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;

    bool operator==(const Stretch&) const = default;
};

/// The number of `width` bytes at `at`. Past the end of `bytes` there are zeros.
std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t width);
std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t width);

/// The text of a field of `width` bytes, to its first NUL, fit for people and for JSON: see
/// printable().
std::string text_field(std::string_view bytes, std::size_t at, std::size_t width);

/// Control characters become '?', what is no UTF-8 becomes U+FFFD.
std::string printable(std::string text);

/// What a disk holds of a GUID, lower case: its first three numbers have their bytes reversed.
std::string guid_text(std::string_view bytes, std::size_t at);

std::string hexadecimal(std::string_view bytes);

/// CRC-32 as in zip files.
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace stillpoint::linux_os
