// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/bytes.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace stillpoint::linux_os {

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + width; ++i) {
        value = value << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0);
    }
    return value;
}

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = at + width; i-- > at;) {
        value = value << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0);
    }
    return value;
}

std::string text_field(std::string_view bytes, std::size_t at, std::size_t width) {
    const std::string_view field = bytes.substr(std::min(at, bytes.size()), width);
    return printable(std::string(field.substr(0, field.find('\0'))));
}

std::string printable(std::string text) {
    using Json = nlohmann::json;
    for (char& byte : text) {
        if (static_cast<unsigned char>(byte) < ' ' || byte == '\x7f') {
            byte = '?';
        }
    }
    const std::string valid = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return Json::parse(valid).get<std::string>();
}

std::string guid_text(std::string_view bytes, std::size_t at) {
    constexpr std::array<std::size_t, 16> kOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};
    std::string text;
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        const std::size_t from = at + kOrder.at(i);
        text +=
            hexadecimal(from < bytes.size() ? bytes.substr(from, 1) : std::string_view("\0", 1));
    }
    return text;
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += kDigits[value >> 4];
        text += kDigits[value & 15];
    }
    return text;
}

std::uint32_t crc32_of(std::string_view bytes) {
    std::uint32_t sum = 0xffffffff;
    for (const char byte : bytes) {
        sum ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
        }
    }
    return ~sum;
}

}  // namespace stillpoint::linux_os
