// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/config/reading.h"
#include "snapshot/request.h"

namespace stillpoint {

inline constexpr char kVmBackupConfig[] = "/etc/azure/vmbackup.conf";

/// /etc/azure/vmbackup.conf, section [SnapshotThread]: what of it means something to this agent.
/// docs/configuration.md has every key.
struct VmBackupConfig {
    /// A cap on how long anything is held.
    std::chrono::seconds timeout{60};
    /// Exact mount points; never "/".
    std::vector<std::string> mounts_to_skip;
    /// Overrides the request's takeSnapshotFrom.
    std::optional<SnapshotMethod> snapshot_method;
    bool upload_status_and_log = true;
    bool write_log = true;
    bool disable_logging = false;  // no event files
};

/// Reads the file's text; an empty one gives the defaults. `file` is what the warnings call it.
ReadConfig<VmBackupConfig> parse_vmbackup_config(std::string_view text,
                                                 std::string file = kVmBackupConfig);

}  // namespace stillpoint
