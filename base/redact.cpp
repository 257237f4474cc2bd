// SPDX-License-Identifier: Apache-2.0
#include "base/redact.h"

#include <cctype>

namespace stillpoint {
namespace {

constexpr std::string_view kMask = "***";

bool ends_token(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isspace(byte) || c == '"' || c == '\'' || c == '<' || c == '>' || c == ',' ||
           c == ')' || c == ']' || c == '}' || c == '\\' || byte < 0x20;
}

bool starts_with_no_case(std::string_view text, std::string_view prefix) {
    if (text.size() < prefix.size()) {
        return false;
    }
    for (std::size_t i = 0; i < prefix.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(text[i])) != prefix[i]) {
            return false;
        }
    }
    return true;
}

std::size_t token_end(std::string_view text, std::size_t from) {
    while (from < text.size() && !ends_token(text[from])) {
        ++from;
    }
    return from;
}

/// How much of "user:password@host/path" is a login: all before the last '@' of the authority.
std::size_t login_size(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && !ends_token(text[end]) && text[end] != '/' && text[end] != '?' &&
           text[end] != '#') {
        ++end;
    }
    const std::size_t at = text.substr(0, end).rfind('@');
    return at == std::string_view::npos ? 0 : at;
}

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

std::string redact(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t i = 0;
    bool in_url = false;
    while (i < text.size()) {
        const std::string_view rest = text.substr(i);
        const bool word_start = i == 0 || !is_word(text[i - 1]);
        if (starts_with_no_case(rest, "http://") || starts_with_no_case(rest, "https://")) {
            in_url = true;
            const std::size_t scheme = rest.find("//") + 2;
            out += rest.substr(0, scheme);
            i += scheme;
            if (const std::size_t login = login_size(text.substr(i)); login > 0) {
                out += kMask;
                i += login;
            }
            continue;
        }
        if (ends_token(text[i])) {
            in_url = false;
        }
        if (in_url && text[i] == '?') {
            out += '?';
            out += kMask;
            i = token_end(text, i + 1);
            in_url = false;
        } else if (word_start &&
                   (starts_with_no_case(rest, "sig=") || starts_with_no_case(rest, "sig%3d"))) {
            const std::size_t name = rest[3] == '=' ? 4 : 6;
            out += text.substr(i, name);
            out += kMask;
            i += name;
            while (i < text.size() && !ends_token(text[i]) && text[i] != '&') {
                ++i;
            }
        } else if (word_start && rest.substr(0, 3) == "eyJ") {
            // A JSON web token, and the base64 of any JSON object: {"...
            out += kMask;
            i = token_end(text, i);
        } else {
            out += text[i++];
        }
    }
    return out;
}

}  // namespace stillpoint
