// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "handlers/config/reading.h"

namespace stillpoint {

inline constexpr char kWorkloadConfig[] = "/etc/azure/workload.conf";

/// /etc/azure/workload.conf, section [workload]: the database that is to be brought to rest before
/// the hold. This agent cannot do that yet, so all that is read is whether one is meant, and what
/// to say about it. docs/configuration.md has every key.
struct WorkloadConfig {
    /// "oracle", "mysql", "mariadb" or "postgres"; empty: no database is meant, as in the file that
    /// the extension before us installs.
    std::string name;
    /// Why that database is not brought to rest. Set if and only if there is a name. Codes:
    /// workload_config_malformed, workload_authorization_missing, workload_role_invalid,
    /// workload_not_supported.
    std::optional<Error> error;

    /// A database is meant: scripts (VMSnapshotScriptPluginConfig.json) are not run then.
    bool active() const { return !name.empty(); }
};

/// Reads the file's text; an empty one means no database. `file` is what the warnings call it. No
/// value of the file is ever quoted, for it holds passwords.
ReadConfig<WorkloadConfig> parse_workload_config(std::string_view text,
                                                 std::string file = kWorkloadConfig);

}  // namespace stillpoint
