// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "handlers/config/agent_config.h"
#include "handlers/config/vmbackup_config.h"
#include "handlers/config/workload_config.h"

namespace stillpoint {

/// What the administrator set (docs/configuration.md): in our file, in those of the extension
/// before us, and wherever a proxy may be named.
struct Configuration {
    AgentConfig ours;
    VmBackupConfig vmbackup;
    /// Where a database is meant no scripts are run: workload.active().
    WorkloadConfig workload;
    std::shared_ptr<ProxyRules> proxies;
    /// What was not understood, as sentences for the log; the default was used.
    std::vector<std::string> warnings;
};

/// Reads the files; one that is not there gives the defaults.
Configuration load_configuration();

/// Only our own file; `warnings` gets what was not understood.
AgentConfig load_own_configuration(std::vector<std::string>& warnings);

}  // namespace stillpoint
