// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillpoint {

/// Numbers as disks keep them. An offset outside `bytes` throws std::out_of_range: whoever takes it
/// from the disk looks at it before.
std::uint16_t le16(std::string_view bytes, std::size_t at);
std::uint32_t le32(std::string_view bytes, std::size_t at);
std::uint64_t le64(std::string_view bytes, std::size_t at);
std::uint16_t be16(std::string_view bytes, std::size_t at);
std::uint32_t be32(std::string_view bytes, std::size_t at);
std::uint64_t be64(std::string_view bytes, std::size_t at);
std::uint8_t byte_at(std::string_view bytes, std::size_t at);

/// 16 bytes as "01234567-89ab-...", in the order they lie.
std::string uuid_text(std::string_view bytes, std::size_t at);

/// Text in a field of fixed size, without what follows its first zero and the blanks at its end.
/// Control characters become '?'.
std::string padded_text(std::string_view bytes, std::size_t at, std::size_t size);

/// The largest number where the product is larger still.
std::uint64_t saturated_product(std::uint64_t a, std::uint64_t b);

/// CRC-32C (Castagnoli), as ext4, xfs and btrfs use it: `crc` goes in and comes out not inverted.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes);
/// CRC-32 as GPT uses it, in the same way.
std::uint32_t crc32(std::uint32_t crc, std::string_view bytes);

}  // namespace stillpoint
