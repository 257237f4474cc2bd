// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace stillpoint {

inline constexpr char kEnvironmentFile[] = "/etc/environment";

/// A variable of a process or of a file.
struct Variable {
    std::string value;
    int line = 0;  // in its file; 0: it is the process's own
};

/// By name.
using Variables = std::map<std::string, Variable, std::less<>>;

/// Reads NAME=value as pam_env does for a login: "export " before the name is passed over, a '#'
/// ends the line, a quote before the value and one behind it do not count, nothing is expanded. A
/// line that is none of this is passed over, as it is there; an empty value means that there is no
/// such variable. Source: Linux-PAM, pam_env(8) and modules/pam_env/pam_env.c.
Variables parse_environment_file(std::string_view text);

}  // namespace stillpoint
