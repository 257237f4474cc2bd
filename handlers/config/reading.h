// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/config/ini.h"

namespace stillpoint {

/// What a configuration file says and, as sentences for the log, what in it was not understood.
/// No file stops a backup: for whatever is broken the default is used.
template <class Config>
struct ReadConfig {
    Config config;
    std::vector<std::string> warnings;
};

/// For a sentence: what is long is cut, what cannot be printed shows as '?', and what stands before
/// the last '@' as "***", since it may be a password.
std::string printable(std::string_view text);

/// The warnings of one file. Each names file, line, option, cause and the value used instead.
class ConfigWarnings {
public:
    explicit ConfigWarnings(std::string file) : file_(std::move(file)) {}

    void add_faults(const Ini& ini);
    /// "'FILE' line 3, [section] key = 'value': WHAT; INSTEAD".
    void add(const IniEntry& entry, std::string_view what, std::string_view instead);
    /// The same without the value, which may hold a password: "'FILE' line 3, OPTION: ...".
    void add_secret(int line, std::string_view option, std::string_view what,
                    std::string_view instead);
    std::vector<std::string> taken() { return std::move(warnings_); }

private:
    std::string file_;
    std::vector<std::string> warnings_;
};

/// "True", "yes", "on", "1" and their opposites, in any case.
std::optional<bool> parse_bool(std::string_view text);

/// Decimal digits and nothing else, at most nine.
std::optional<int> parse_count(std::string_view text);

/// "20", "20s", "20 s", "1500ms": without a unit, seconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "20 s" or "1500 ms".
std::string shown(std::chrono::milliseconds duration);

/// Sets `value`, or warns that it stays as it is.
void read_bool(const IniEntry& entry, bool& value, ConfigWarnings& warnings);

}  // namespace stillpoint
