// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillpoint {

/// `text` as a JSON string, quotes included, as Python's json.dumps prints it: every character
/// outside printable ASCII as \uXXXX, invalid UTF-8 as U+FFFD.
std::string json_quoted(std::string_view text);

/// Writes one JSON text with members in the order they are given and Python's separators ", " and
/// ": ". The readers of status documents were written against exactly that output.
///
///     JsonWriter json;
///     json.begin_object().member("code", "1").key("list").begin_array().value(2).end_array()
///         .end_object();
class JsonWriter {
public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }

    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::string_view text) { return raw(json_quoted(text)); }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
    JsonWriter& value(std::int64_t number) { return raw(std::to_string(number)); }
    JsonWriter& value(std::uint64_t number) { return raw(std::to_string(number)); }
    JsonWriter& value(int number) { return raw(std::to_string(number)); }
    JsonWriter& null() { return raw("null"); }
    /// `json` is already JSON text.
    JsonWriter& raw(std::string_view json);

    template <class Value>
    JsonWriter& member(std::string_view name, const Value& content) {
        return key(name).value(content);
    }

    const std::string& text() const { return text_; }

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string text_;
    bool first_ = true;  // nothing stands yet in the innermost object or array
    bool after_key_ = false;
};

}  // namespace stillpoint
