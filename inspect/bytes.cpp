// SPDX-License-Identifier: Apache-2.0
#include "inspect/bytes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "base/format.h"

namespace stillpoint {
namespace {

std::string_view field(std::string_view bytes, std::size_t at, std::size_t size) {
    if (at > bytes.size() || size > bytes.size() - at) {
        throw std::out_of_range("a field outside the bytes that were read");
    }
    return bytes.substr(at, size);
}

template <class Number>
Number little(std::string_view bytes, std::size_t at) {
    const std::string_view from = field(bytes, at, sizeof(Number));
    std::uint64_t number = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        number = number << 8U | static_cast<unsigned char>(from[i]);
    }
    return static_cast<Number>(number);
}

template <class Number>
Number big(std::string_view bytes, std::size_t at) {
    std::uint64_t number = 0;
    for (const char c : field(bytes, at, sizeof(Number))) {
        number = number << 8U | static_cast<unsigned char>(c);
    }
    return static_cast<Number>(number);
}

using CrcTable = std::array<std::uint32_t, 256>;

constexpr CrcTable crc_table(std::uint32_t polynomial) {
    CrcTable table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0U);
        }
        table[byte] = crc;
    }
    return table;
}

std::uint32_t updated(const CrcTable& table, std::uint32_t crc, std::string_view bytes) {
    for (const char c : bytes) {
        crc = (crc >> 8U) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
    }
    return crc;
}

}  // namespace

std::uint16_t le16(std::string_view bytes, std::size_t at) {
    return little<std::uint16_t>(bytes, at);
}
std::uint32_t le32(std::string_view bytes, std::size_t at) {
    return little<std::uint32_t>(bytes, at);
}
std::uint64_t le64(std::string_view bytes, std::size_t at) {
    return little<std::uint64_t>(bytes, at);
}
std::uint16_t be16(std::string_view bytes, std::size_t at) {
    return big<std::uint16_t>(bytes, at);
}
std::uint32_t be32(std::string_view bytes, std::size_t at) {
    return big<std::uint32_t>(bytes, at);
}
std::uint64_t be64(std::string_view bytes, std::size_t at) {
    return big<std::uint64_t>(bytes, at);
}
std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return little<std::uint8_t>(bytes, at);
}

std::string uuid_text(std::string_view bytes, std::size_t at) {
    std::string text;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        text += fmt::format("{:02x}", byte_at(bytes, at + i));
    }
    return text;
}

std::string padded_text(std::string_view bytes, std::size_t at, std::size_t size) {
    std::string_view text = field(bytes, at, size);
    text = text.substr(0, text.find('\0'));
    const std::size_t last = text.find_last_not_of(' ');
    std::string shown(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
    std::ranges::replace_if(
        shown, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    return shown;
}

std::uint64_t saturated_product(std::uint64_t a, std::uint64_t b) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    return a != 0 && b > kMost / a ? kMost : a * b;
}

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
    static constexpr CrcTable kTable = crc_table(0x82F63B78);
    return updated(kTable, crc, bytes);
}

std::uint32_t crc32(std::uint32_t crc, std::string_view bytes) {
    static constexpr CrcTable kTable = crc_table(0xEDB88320);
    return updated(kTable, crc, bytes);
}

}  // namespace stillpoint
