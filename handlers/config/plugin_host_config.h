// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/config/reading.h"

namespace stillpoint {

inline constexpr char kPluginHostConfig[] = "/etc/azure/VMSnapshotPluginHost.conf";

/// The one plugin there is: it runs a script before and one after the snapshot.
inline constexpr std::string_view kScriptRunner = "ScriptRunner";

/// VMSnapshotPluginHost.conf, section [pre_post]. docs/scripts.md has every key.
struct PluginHostConfig {
    /// For the scripts before the snapshot together, and again for those after it.
    std::chrono::seconds timeout{1800};
    /// The configuration files of its plugins, in order.
    std::vector<std::string> script_configs;
};

/// What holds on a machine without the file: one plugin with its configuration in the usual place.
PluginHostConfig shipped_plugin_host_config();

/// Reads the file's text; `file` is what warnings and errors call it. Errors:
/// plugin_host_config_malformed, naming file and cause, when it is not known which scripts are
/// meant. No code is ever loaded: a plugin of another name is such an error.
Result<ReadConfig<PluginHostConfig>> parse_plugin_host_config(std::string_view text,
                                                              std::string file = kPluginHostConfig);

}  // namespace stillpoint
