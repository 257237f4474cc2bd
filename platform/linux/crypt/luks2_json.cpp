// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/luks2_json.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;  // json-c's own limit, so no valid header goes beyond it

/// Before the text is parsed: a value of millions of brackets takes a hundred times its text.
bool is_too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && (text[i] == '{' || text[i] == '[')) {
            if (++depth > kDeepest) {
                return true;
            }
        } else if (!in_string && (text[i] == '}' || text[i] == ']')) {
            --depth;
        }
    }
    return false;
}

/// A member, or null where there is none.
const Json& at(const Json& value, const char* name) {
    static const Json kNothing;
    const auto found = value.is_object() ? value.find(name) : value.end();
    return value.is_object() && found != value.end() ? *found : kNothing;
}

std::string text_of(const Json& value) {
    return value.is_string() ? printable(value.get<std::string>()) : std::string();
}

/// LUKS2 has 64-bit numbers as text, since not every JSON library can hold them.
std::optional<std::uint64_t> number_of(const Json& value) {
    if (value.is_number_unsigned()) {
        return value.get<std::uint64_t>();
    }
    const std::string text = value.is_string() ? value.get<std::string>() : std::string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

/// The library takes numbers below 0, too large or with a fraction for whatever its own type makes
/// of them.
std::uint64_t cost_of(const Json& value) {
    return value.is_null() ? 0 : number_of(value).value_or(kUnknownCost);
}

int small_number_of(const Json& value) {
    const std::optional<std::uint64_t> number = number_of(value);
    return number && *number <= 1U << 20 ? static_cast<int>(*number) : 0;
}

/// The members of an object whose names are numbers, in their order.
std::map<int, const Json*> numbered(const Json& value) {
    std::map<int, const Json*> members;
    if (value.is_object()) {
        for (const auto& [name, member] : value.items()) {
            int number = 0;
            const auto [end, error] =
                std::from_chars(name.data(), name.data() + name.size(), number);
            if (error == std::errc() && end == name.data() + name.size() && number >= 0) {
                members.emplace(number, &member);
            }
        }
    }
    return members;
}

std::vector<int> numbers_of(const Json& value) {
    std::vector<int> numbers;
    if (value.is_array()) {
        for (const Json& element : value) {
            const std::optional<std::uint64_t> number = number_of(element);
            if (number && *number <= std::numeric_limits<std::uint8_t>::max()) {
                numbers.push_back(static_cast<int>(*number));
            }
        }
    }
    return numbers;
}

bool names(const Json& array, std::string_view start) {
    return array.is_array() && std::ranges::any_of(array, [&](const Json& element) {
               return element.is_string() &&
                      element.get_ref<const std::string&>().starts_with(start);
           });
}

/// The segment that tells how the volume was, or is, encrypted: while it is re-encrypted that is
/// the one kept aside for the end, as cryptsetup shows it.
int main_segment(const std::map<int, const Json*>& segments) {
    for (const auto& [number, segment] : segments) {
        if (names(at(*segment, "flags"), "backup-final")) {
            return number;
        }
    }
    return segments.empty() ? -1 : segments.begin()->first;
}

void read_segments(const Json& root, Luks2Content& content) {
    const auto segments = numbered(at(root, "segments"));
    const int main = main_segment(segments);
    std::optional<std::uint64_t> payload;
    int in_use = 0;
    for (const auto& [number, segment] : segments) {
        const Json& flags = at(*segment, "flags");
        const std::optional<std::uint64_t> offset = number_of(at(*segment, "offset"));
        if (names(flags, "backup-") || names(flags, "in-reencryption")) {
            content.reencrypting = true;
        }
        if (!names(flags, "backup-")) {
            ++in_use;
            payload = std::min(payload.value_or(std::numeric_limits<std::uint64_t>::max()),
                               offset.value_or(0));
        }
    }
    content.payload_offset_bytes = payload.value_or(0);
    if (main < 0) {
        return;
    }
    const Json& segment = *segments.at(main);
    content.cipher = text_of(at(segment, "encryption"));
    content.iv_offset_sectors = number_of(at(segment, "iv_tweak")).value_or(0);
    if (const int sector = small_number_of(at(segment, "sector_size")); sector != 0) {
        content.sector_bytes = sector;
    }
    content.simple = in_use == 1 && text_of(at(segment, "type")) == "crypt" &&
                     at(segment, "integrity").is_null() && !content.reencrypting;
}

/// The keyslots that a digest with a segment belongs to: only those open the volume.
std::set<int> bound_keyslots(const Json& root) {
    std::set<int> bound;
    for (const auto& [number, digest] : numbered(at(root, "digests"))) {
        if (!numbers_of(at(*digest, "segments")).empty()) {
            for (const int slot : numbers_of(at(*digest, "keyslots"))) {
                bound.insert(slot);
            }
        }
    }
    return bound;
}

void read_keyslots(const Json& root, Luks2Content& content) {
    const std::set<int> bound = bound_keyslots(root);
    for (const auto& [number, slot] : numbered(at(root, "keyslots"))) {
        const Json& area = at(*slot, "area");
        if (text_of(at(*slot, "type")) == "reencrypt") {
            content.reencrypting = true;  // it holds no key
            content.simple = false;
            continue;
        }
        const bool is_bound = bound.contains(number);
        const Json& kdf = at(*slot, "kdf");
        content.keyslots.push_back(
            {.number = number, .kind = text_of(at(kdf, "type")), .bound = is_bound});
        content.key_costs.push_back(
            {.what = fmt::format("keyslot {}", number),
             .rounds = std::max(cost_of(at(kdf, "iterations")), cost_of(at(kdf, "time"))),
             .memory_kib = cost_of(at(kdf, "memory")),
             .key_bytes = std::max(cost_of(at(*slot, "key_size")), cost_of(at(area, "key_size")))});
        content.key_areas.push_back(
            {number_of(at(area, "offset")).value_or(0), number_of(at(area, "size")).value_or(0)});
        if (is_bound && content.key_bits == 0) {
            content.key_bits = 8 * small_number_of(at(*slot, "key_size"));
        }
    }
}

void read_requirements(const Json& root, Luks2Content& content) {
    const Json& requirements = at(at(at(root, "config"), "requirements"), "mandatory");
    if (!requirements.is_array()) {
        return;
    }
    for (const Json& element : requirements) {
        const std::string requirement = text_of(element);
        if (requirement.starts_with("online-reencrypt") ||
            requirement.starts_with("offline-reencrypt")) {
            content.reencrypting = true;
            content.simple = false;
        } else if (content.unknown_requirement.empty()) {
            content.unknown_requirement = requirement;
        }
    }
}

}  // namespace

Luks2Content parse_luks2_json(std::string_view text) {
    Luks2Content content;
    const Json root = is_too_deep(text) ? Json() : Json::parse(text, nullptr, false);
    content.readable = root.is_object();
    read_segments(root, content);
    read_keyslots(root, content);
    for (const auto& [number, token] : numbered(at(root, "tokens"))) {
        content.tokens.push_back({.number = number,
                                  .type = text_of(at(*token, "type")),
                                  .keyslots = numbers_of(at(*token, "keyslots"))});
    }
    for (const auto& [number, digest] : numbered(at(root, "digests"))) {
        content.key_costs.push_back({.what = fmt::format("digest {}", number),
                                     .rounds = cost_of(at(*digest, "iterations"))});
    }
    read_requirements(root, content);
    return content;
}

}  // namespace stillpoint::linux_os
