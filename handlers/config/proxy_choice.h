// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/config/agent_config.h"
#include "handlers/config/environment_file.h"
#include "platform/proxy.h"

namespace stillpoint {

/// Where proxies may be named, the texts of files as they are.
struct ProxySources {
    std::string_view waagent_config;
    std::string_view environment_file;
    Variables process;  // the variables below, where the process has them, even if empty
};

/// The variables that name proxies and exceptions, in both ways to write them.
std::vector<std::string> proxy_variables();

/// Which proxy is used for what: our own file rules, then the VM agent's, then the environment, the
/// process's own variables before the file's. The exceptions are our own file's, or else the
/// environment's, whoever named the proxy. Warnings name what is broken; the next source is asked.
ReadConfig<std::shared_ptr<ProxyRules>> choose_proxies(const AgentConfig& ours,
                                                       const ProxySources& sources);

}  // namespace stillpoint
