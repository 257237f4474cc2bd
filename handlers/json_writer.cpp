// SPDX-License-Identifier: Apache-2.0
#include "handlers/json_writer.h"

#include "base/format.h"

namespace stillpoint {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// Takes one code point off the front of `rest`; what is no UTF-8 costs one byte.
char32_t take_code_point(std::string_view& rest) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80             ? 1
                               : (lead & 0xE0) == 0xC0 ? 2
                               : (lead & 0xF0) == 0xE0 ? 3
                               : (lead & 0xF8) == 0xF0 ? 4
                                                       : 0;
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    char32_t point = length < 2 ? lead : lead & (0xFF >> (length + 1));
    bool good = length > 0 && length <= rest.size();
    for (std::size_t i = 1; good && i < length; ++i) {
        good = (byte(i) & 0xC0) == 0x80;
        point = (point << 6) | (byte(i) & 0x3F);
    }
    good = good && point >= kSmallest[length] && point <= 0x10FFFF &&
           (point < 0xD800 || point > 0xDFFF);
    rest.remove_prefix(good ? length : 1);
    return good ? point : kReplacement;
}

void append_escaped(std::string& out, char32_t point) {
    if (point >= 0x10000) {
        const char32_t offset = point - 0x10000;
        append_escaped(out, 0xD800 + (offset >> 10));
        append_escaped(out, 0xDC00 + (offset & 0x3FF));
        return;
    }
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
}

void append_character(std::string& out, char32_t point) {
    switch (point) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\b':
            out += "\\b";
            return;
        default:
            break;
    }
    if (point >= ' ' && point <= '~') {
        out += static_cast<char>(point);
    } else {
        append_escaped(out, point);
    }
}

}  // namespace

std::string json_quoted(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    while (!text.empty()) {
        append_character(out, take_code_point(text));
    }
    out += '"';
    return out;
}

void JsonWriter::separate() {
    if (after_key_) {
        after_key_ = false;
    } else if (!first_) {
        text_ += ", ";
    }
    first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    text_ += json_quoted(name);
    text_ += ": ";
    after_key_ = true;
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    text_ += json;
    return *this;
}

}  // namespace stillpoint
