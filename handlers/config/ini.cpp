// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/ini.h"

#include <algorithm>

namespace stillpoint {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// No file of ours has so many; a log written there by mistake must not fill the report.
constexpr std::size_t kMaxFaults = 20;

class IniReader {
public:
    void take(std::string_view line) {
        ++number_;
        const std::string_view content = without_blanks(line);
        if (content.empty() || content.front() == '#' || content.front() == ';') {
            return;
        }
        const std::size_t indent = line.find_first_not_of(kBlanks);
        if (open_ && indent > indent_) {
            ini_.entries.back().value.append("\n").append(content);
            return;
        }
        open_ = false;
        if (content.front() == '[') {
            take_section(content);
        } else {
            take_option(content, indent);
        }
    }

    Ini result() { return std::move(ini_); }

private:
    void take_section(std::string_view content) {
        const std::size_t end = content.find(']');
        if (end == std::string_view::npos || end == 1) {
            fault("a section needs a name and a ']' behind it");
            section_.clear();
            return;
        }
        section_ = lower_case(content.substr(1, end - 1));
    }

    void take_option(std::string_view content, std::size_t indent) {
        const std::size_t sign = content.find_first_of("=:");
        const std::string_view key = without_blanks(content.substr(0, sign));
        if (sign == std::string_view::npos || key.empty()) {
            fault("it is no 'key = value'");
        } else if (section_.empty()) {
            fault("it stands in no section");
        } else {
            ini_.entries.push_back({.section = section_,
                                    .key = lower_case(key),
                                    .value = std::string(without_blanks(content.substr(sign + 1))),
                                    .line = number_});
            open_ = true;
            indent_ = indent;
        }
    }

    void fault(std::string why) {
        if (ini_.faults.size() < kMaxFaults) {
            ini_.faults.push_back({.line = number_, .why = std::move(why)});
        }
    }

    Ini ini_;
    std::string section_;
    std::size_t indent_ = 0;
    bool open_ = false;  // the last option may be continued
    int number_ = 0;
};

}  // namespace

Ini parse_ini(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    IniReader reader;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        reader.take(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return reader.result();
}

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return lower;
}

bool same_word(std::string_view left, std::string_view right) {
    return lower_case(left) == lower_case(right);
}

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(',');
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            break;
        }
        text.remove_prefix(end + 1);
    }
    return parts;
}

}  // namespace stillpoint
