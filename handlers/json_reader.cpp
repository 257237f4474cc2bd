// SPDX-License-Identifier: Apache-2.0
#include "handlers/json_reader.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <memory>
#include <set>

#include "base/format.h"
#include "base/secret.h"
#include "handlers/json_writer.h"

namespace stillpoint {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxMembers = 4096;

/// Watches the parser and remembers the first thing that is not allowed.
class Limits {
public:
    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        if (!fault_.empty()) {
            return false;
        }
        switch (event) {
            case Json::parse_event_t::object_start:
                keys_.emplace_back();
                [[fallthrough]];
            case Json::parse_event_t::array_start:
                if (depth >= kMaxDepth) {
                    fault_ = fmt::format("it is nested deeper than {} levels", kMaxDepth);
                }
                break;
            case Json::parse_event_t::object_end:
                keys_.pop_back();
                break;
            case Json::parse_event_t::key:
                check_key(parsed.get_ref<const std::string&>());
                break;
            default:
                break;
        }
        return fault_.empty();
    }

    const std::string& fault() const { return fault_; }

private:
    void check_key(const std::string& key) {
        if (!keys_.back().insert(key).second) {
            fault_ = "a member stands twice";
        } else if (keys_.back().size() > kMaxMembers) {
            fault_ = fmt::format("an object has more than {} members", kMaxMembers);
        }
    }

    std::vector<std::set<std::string>> keys_;
    std::string fault_;
};

std::string_view kind_of(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null:
            return "null";
        case Json::value_t::object:
            return "an object";
        case Json::value_t::array:
            return "a list";
        case Json::value_t::string:
            return "a string";
        case Json::value_t::boolean:
            return "a boolean";
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
            return "an integer";
        case Json::value_t::number_float:
            return "a fraction";
        default:
            return "something else";
    }
}

void write(JsonWriter& writer, const Json& value) {
    if (value.is_object()) {
        writer.begin_object();
        for (const auto& [name, member] : value.items()) {
            write(writer.key(name), member);
        }
        writer.end_object();
    } else if (value.is_array()) {
        writer.begin_array();
        for (const Json& element : value) {
            write(writer, element);
        }
        writer.end_array();
    } else if (value.is_string()) {
        writer.value(value.get_ref<const std::string&>());
    } else {
        writer.raw(value.dump());
    }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
    const auto limits = std::make_shared<Limits>();
    try {
        Json value =
            Json::parse(text, [limits](int depth, Json::parse_event_t event, Json& parsed) {
                return (*limits)(depth, event, parsed);
            });
        if (!limits->fault().empty()) {
            return fail(Code::settings_malformed, fmt::format("{}: {}", what, limits->fault()));
        }
        return value;
    } catch (const Json::parse_error& error) {
        // Its text quotes the input, which may be a secret; the position is enough.
        return fail(Code::settings_malformed,
                    fmt::format("{}: not JSON, from byte {} on", what, error.byte));
    } catch (const Json::exception&) {
        return fail(Code::settings_malformed,
                    fmt::format("{}: it holds a number out of range", what));
    }
}

std::string json_text(const Json& value) {
    JsonWriter writer;
    write(writer, value);
    return writer.text();
}

void wipe_strings(Json& value) {
    if (value.is_string()) {
        wipe(value.get_ref<std::string&>());
    }
    if (value.is_structured()) {
        for (Json& element : value) {
            wipe_strings(element);
        }
    }
}

bool JsonField::has(std::string_view name) const {
    return value_->is_object() && value_->contains(std::string(name));
}

std::optional<JsonField> JsonField::find(std::string_view name) const {
    if (!value_->is_object()) {
        return std::nullopt;
    }
    const auto found = value_->find(std::string(name));
    if (found == value_->end() || found->is_null()) {
        return std::nullopt;
    }
    return JsonField(*found, path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name));
}

Result<JsonField> JsonField::need(std::string_view name) const {
    if (auto found = find(name)) {
        return *std::move(found);
    }
    return fail(Code::settings_malformed, fmt::format("{}.{}: required, but {}", path_, name,
                                                      has(name) ? "null" : "missing"));
}

std::vector<JsonField> JsonField::elements() const {
    std::vector<JsonField> list;
    if (value_->is_array()) {
        for (std::size_t i = 0; i < value_->size(); ++i) {
            list.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i));
        }
    }
    return list;
}

Result<void> JsonField::must_be_object() const {
    return value_->is_object() ? Result<void>() : wrong("an object");
}

Result<void> JsonField::must_be_list() const {
    return value_->is_array() ? Result<void>() : wrong("a list");
}

Result<std::string> JsonField::as_string() const {
    if (!value_->is_string()) {
        return wrong("a string");
    }
    return value_->get<std::string>();
}

Result<int> JsonField::as_int() const {
    if (!value_->is_number_integer()) {
        return wrong("an integer");
    }
    constexpr std::int64_t kMax = std::numeric_limits<int>::max();
    const bool huge = value_->is_number_unsigned() &&
                      value_->get<std::uint64_t>() > static_cast<std::uint64_t>(kMax);
    const std::int64_t number = huge ? kMax : value_->get<std::int64_t>();
    if (huge || number < std::numeric_limits<int>::min()) {
        return fail(Code::settings_malformed, fmt::format("{}: out of range", path_));
    }
    return static_cast<int>(number);
}

std::optional<bool> JsonField::as_bool() const {
    if (value_->is_boolean()) {
        return value_->get<bool>();
    }
    std::string word = value_->is_string()           ? value_->get<std::string>()
                       : value_->is_number_integer() ? value_->dump()
                                                     : std::string();
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word == "true" || word == "1") {
        return true;
    }
    if (word == "false" || word == "0") {
        return false;
    }
    return std::nullopt;
}

Error JsonField::wrong(std::string_view expected) const {
    return fail(Code::settings_malformed,
                fmt::format("{}: expected {}, found {}", path_, expected, kind_of(*value_)));
}

}  // namespace stillpoint
