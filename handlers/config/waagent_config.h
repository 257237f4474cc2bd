// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "handlers/config/reading.h"
#include "platform/proxy.h"

namespace stillpoint {

inline constexpr char kWaagentConfig[] = "/etc/waagent.conf";

/// What in the VM agent's own settings is of interest here: its proxy.
struct WaagentConfig {
    std::shared_ptr<const ProxyServer> proxy;  // null: none
};

/// Reads HttpProxy.Host and HttpProxy.Port as the VM agent does: "Key=value", a '#' ends the value,
/// quotes and blanks around it do not count, "None" is no value. Every other key is passed over.
/// Source: https://github.com/Azure/WALinuxAgent, azurelinuxagent/common/conf.py.
ReadConfig<WaagentConfig> parse_waagent_config(std::string_view text,
                                               std::string file = kWaagentConfig);

}  // namespace stillpoint
