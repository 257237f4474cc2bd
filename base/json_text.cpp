// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

namespace stillpoint {
namespace {

constexpr int kMaxDepth = 64;

bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) {
                return true;
            }
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

std::string scalar(const Json& value) {
    // Bytes that are no UTF-8 become U+FFFD instead of an exception.
    return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

void append(std::string& out, const Json& value) {
    if (value.is_array()) {
        out += '[';
        for (auto element = value.begin(); element != value.end(); ++element) {
            out += element == value.begin() ? "" : ", ";
            append(out, *element);
        }
        out += ']';
    } else if (value.is_object()) {
        out += '{';
        for (auto member = value.begin(); member != value.end(); ++member) {
            out += member == value.begin() ? "" : ", ";
            out += scalar(member.key()) + ": ";
            append(out, member.value());
        }
        out += '}';
    } else {
        out += scalar(value);
    }
}

}  // namespace

std::string_view without_bom(std::string_view text) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    return text.substr(0, kMark.size()) == kMark ? text.substr(kMark.size()) : text;
}

Result<Json> parse_json(std::string_view text, Code code, const std::string& what) {
    text = without_bom(text);
    if (too_deep(text)) {
        return fail(code, what + " is nested too deeply");
    }
    try {
        return Json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
        return fail(code, what + " is not JSON, at byte " + std::to_string(error.byte));
    } catch (const nlohmann::json::exception&) {
        return fail(code, what + " holds a number out of range");
    }
}

std::string python_json(const Json& value) {
    std::string out;
    append(out, value);
    return out;
}

}  // namespace stillpoint
