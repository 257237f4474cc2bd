// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/device_number.h"
#include "handlers/config/reading.h"
#include "handlers/config/vmbackup_config.h"
#include "platform/proxy.h"
#include "snapshot/disk_map.h"

namespace stillpoint {

inline constexpr char kAgentConfig[] = "/etc/stillpoint/stillpoint.conf";

/// /etc/stillpoint/stillpoint.conf, our own settings. docs/configuration.md has every key.
struct AgentConfig {
    std::chrono::milliseconds hold_limit{20'000};
    bool rehearsal = true;
    /// Nothing else may be frozen. No value: no such limit.
    std::optional<std::vector<DeviceNumber>> only_devices;
    /// A restored machine brings its disks back at its start, and does not only say that it can.
    bool reinstall_at_boot = false;
    std::vector<DiskMapping> disks;
    HttpTarget host{
        .tls = false, .host = "168.63.129.16", .port = 80, .path = "", .query = Secret()};
    std::string ca_bundle;                     // empty: the system's own
    std::shared_ptr<const ProxyServer> proxy;  // null: who else names one is asked
    bool proxies_off = false;
    std::optional<std::vector<std::string>> no_proxy;  // no value: the environment's
};

/// Reads the file's text; an empty one gives the defaults. `file` is what the warnings call it.
ReadConfig<AgentConfig> parse_agent_config(std::string_view text, std::string file = kAgentConfig);

/// What stands between commas and blanks.
std::vector<std::string> split_exceptions(std::string_view text);

/// How long anything may be held: the smaller one of our own limit and the other file's timeout.
std::chrono::milliseconds hold_limit(const AgentConfig& ours, const VmBackupConfig& vmbackup);

}  // namespace stillpoint
