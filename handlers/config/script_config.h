// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/config/reading.h"

namespace stillpoint {

/// One script as its configuration names it.
struct ScriptCall {
    std::string location;
    std::vector<std::string> parameters;
    int retries = 0;  // runs after one that failed

    bool operator==(const ScriptCall&) const = default;
};

/// VMSnapshotScriptPluginConfig.json. docs/scripts.md has every member.
struct ScriptConfig {
    std::string app_name;  // for telemetry
    /// For each run of a script.
    std::chrono::seconds timeout{10};
    ScriptCall pre;
    ScriptCall post;
    bool continue_on_failure = true;
    bool freeze = true;  // hold the filesystems too
};

/// Reads the file's text; `file` is what warnings and errors call it. What is not understood is
/// replaced by its default, with a warning; but without both locations nobody can say what is
/// meant. Errors: script_config_malformed, naming file, line or member, and cause.
Result<ReadConfig<ScriptConfig>> parse_script_config(std::string_view text, std::string file);

}  // namespace stillpoint
