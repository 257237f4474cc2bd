// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <cstdint>

#include "base/secret.h"

namespace stillpoint {
namespace {

bool is_blank(char c) {
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    std::string out;
    // Reserved in one piece, so that no outgrown copy stays behind unwiped.
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t group = 0;
    int characters = 0;
    int padding = 0;
    for (const char c : text) {
        if (is_blank(c)) {
            continue;
        }
        const int value = c == '=' ? 0 : value_of(c);
        if (value < 0 || (padding > 0 && c != '=')) {
            wipe(out);
            return std::nullopt;
        }
        padding += c == '=' ? 1 : 0;
        group = (group << 6) | static_cast<std::uint32_t>(value);
        if (++characters % 4 == 0) {
            for (int byte = 0; byte < 3 - padding; ++byte) {
                out += static_cast<char>((group >> (16 - 8 * byte)) & 0xff);
            }
            group = 0;
        }
    }
    if (characters % 4 != 0 || padding > 2) {
        wipe(out);
        return std::nullopt;
    }
    return out;
}

std::optional<std::string> decode_base64_leniently(std::string_view text) {
    std::string letters;
    letters.reserve(text.size() + 3);
    for (const char c : text) {
        if (value_of(c) >= 0) {
            letters += c;
        } else if (c == '=' && letters.size() % 4 >= 2) {
            break;
        }
    }
    // One letter alone is not even a byte; the strict reader refuses what this makes of it.
    letters.append((4 - letters.size() % 4) % 4, '=');
    std::optional<std::string> decoded = decode_base64(letters);
    wipe(letters);
    return decoded;
}

std::string encode_base64(std::string_view bytes) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    // Reserved in one piece, so that no outgrown copy stays behind unwiped.
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t i = at; i < at + 3; ++i) {
            const auto byte = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
            group = group << 8U | byte;
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const bool padding = at + i > bytes.size();
            out += padding ? '=' : kLetters[group >> (18 - 6 * i) & 63U];
        }
    }
    return out;
}

}  // namespace stillpoint
