// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/environment_file.h"

#include <algorithm>

#include "handlers/config/ini.h"

namespace stillpoint {
namespace {

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

bool is_quote(char c) {
    return c == '"' || c == '\'';
}

void take_line(std::string_view line, int number, Variables& variables) {
    constexpr std::string_view kExport = "export ";
    line = without_blanks(line.substr(0, line.find('#')));
    if (line.starts_with(kExport)) {
        line = without_blanks(line.substr(kExport.size()));
    }
    const std::size_t sign = line.find('=');
    if (sign == std::string_view::npos || !is_name(line.substr(0, sign))) {
        return;
    }
    std::string_view value = line.substr(sign + 1);
    // A quote at the end alone is part of the value.
    if (!value.empty() && is_quote(value.front())) {
        value.remove_prefix(1);
        if (!value.empty() && is_quote(value.back())) {
            value.remove_suffix(1);
        }
    }
    const std::string_view name = line.substr(0, sign);
    if (value.empty()) {
        variables.erase(std::string(name));
    } else {
        variables.insert_or_assign(std::string(name), Variable{std::string(value), number});
    }
}

}  // namespace

Variables parse_environment_file(std::string_view text) {
    Variables variables;
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        take_line(text.substr(0, end), number, variables);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return variables;
}

}  // namespace stillpoint
