// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/reading.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace stillpoint {

std::string printable(std::string_view text) {
    constexpr std::size_t kEnough = 60;
    const std::size_t at = text.rfind('@');
    const bool login = at != std::string_view::npos;
    const std::string whole = login ? "***" + std::string(text.substr(at)) : std::string(text);
    std::string shown = whole.substr(0, kEnough);
    std::ranges::replace_if(
        shown, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
    return whole.size() > kEnough ? shown + "..." : shown;
}

void ConfigWarnings::add_faults(const Ini& ini) {
    for (const IniFault& fault : ini.faults) {
        warnings_.push_back("'" + file_ + "' line " + std::to_string(fault.line) + ": " +
                            fault.why + "; the line is not used");
    }
}

void ConfigWarnings::add(const IniEntry& entry, std::string_view what, std::string_view instead) {
    warnings_.push_back("'" + file_ + "' line " + std::to_string(entry.line) + ", [" +
                        printable(entry.section) + "] " + printable(entry.key) + " = '" +
                        printable(entry.value) + "': " + std::string(what) + "; " +
                        std::string(instead));
}

void ConfigWarnings::add_secret(int line, std::string_view option, std::string_view what,
                                std::string_view instead) {
    warnings_.push_back("'" + file_ + "' line " + std::to_string(line) + ", " +
                        std::string(option) + ": " + std::string(what) + "; " +
                        std::string(instead));
}

std::optional<bool> parse_bool(std::string_view text) {
    constexpr std::array<std::string_view, 4> kTrue = {"true", "yes", "on", "1"};
    constexpr std::array<std::string_view, 4> kFalse = {"false", "no", "off", "0"};
    const std::string word = lower_case(text);
    if (std::ranges::find(kTrue, word) != kTrue.end()) {
        return true;
    }
    if (std::ranges::find(kFalse, word) != kFalse.end()) {
        return false;
    }
    return std::nullopt;
}

std::optional<int> parse_count(std::string_view text) {
    constexpr std::size_t kMaxDigits = 9;
    int count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (text.empty() || text.size() > kMaxDigits || text.front() == '-' || error != std::errc() ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    return count;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const std::size_t unit_at = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::optional<int> count = parse_count(text.substr(0, unit_at));
    const std::string unit = lower_case(without_blanks(text.substr(unit_at)));
    if (!count) {
        return std::nullopt;
    }
    if (unit.empty() || unit == "s") {
        return std::chrono::seconds(*count);
    }
    if (unit == "ms") {
        return std::chrono::milliseconds(*count);
    }
    return std::nullopt;
}

std::string shown(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

void read_bool(const IniEntry& entry, bool& value, ConfigWarnings& warnings) {
    if (const auto read = parse_bool(entry.value)) {
        value = *read;
    } else {
        warnings.add(entry, "it is neither true nor false",
                     value ? "true is used" : "false is used");
    }
}

}  // namespace stillpoint
