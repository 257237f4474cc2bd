// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillpoint {

/// One option of an INI file.
struct IniEntry {
    std::string section;  // in lower case, as `key`
    std::string key;
    std::string value;  // without the blanks around it
    int line = 0;       // where the option begins; lines count from 1
};

/// A line that is none of section, option, continuation and comment.
struct IniFault {
    int line = 0;
    std::string why;
};

struct Ini {
    std::vector<IniEntry> entries;  // in the order of the file; the last of equal keys rules
    std::vector<IniFault> faults;
};

/// Reads text as Python's ConfigParser does, which is what people's files were written for: "key =
/// value" or "key: value"; comments on lines of their own, with '#' or ';'; a line that is indented
/// further than its option goes on with the value. Where ConfigParser gives up on the whole file,
/// the line becomes a fault and the rest is read.
Ini parse_ini(std::string_view text);

std::string_view without_blanks(std::string_view text);
std::string lower_case(std::string_view text);
bool same_word(std::string_view left, std::string_view right);

/// What lies between the commas, as it stands there. Empty text has no parts.
std::vector<std::string> split_at_commas(std::string_view text);

}  // namespace stillpoint
