// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace stillpoint {

// For the .cpp files of this folder that read documents from outside; no header includes this one.

using Json = nlohmann::ordered_json;

/// Parses `text` as JSON with limits on depth and on members per object; a key that stands twice
/// is refused, since readers would disagree on it. `what` names the text in errors. Errors:
/// settings_malformed, with the position but never with content.
Result<Json> parse_json(std::string_view text, std::string_view what);

/// JSON text of `value` as Python's json.dumps prints it.
std::string json_text(const Json& value);

/// Overwrites every string in `value`.
void wipe_strings(Json& value);

/// A value and the path that led to it, for errors a person can act on:
/// "publicSettings.objectStr.backupMetadata: expected a list, found a string". null counts as
/// absent: the service writes both.
class JsonField {
public:
    JsonField(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    const Json& json() const { return *value_; }

    bool has(std::string_view name) const;  // also when it is null
    std::optional<JsonField> find(std::string_view name) const;
    Result<JsonField> need(std::string_view name) const;
    std::vector<JsonField> elements() const;  // of a list; empty for everything else

    Result<void> must_be_object() const;
    Result<void> must_be_list() const;
    Result<std::string> as_string() const;
    Result<int> as_int() const;
    /// true, false, 1, 0, or those words as text in any case; no value for everything else.
    std::optional<bool> as_bool() const;

    Error wrong(std::string_view expected) const;

private:
    const Json* value_;
    std::string path_;
};

}  // namespace stillpoint
