// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillpoint {

/// The version of the VM agent that called us, without starting it to ask: the commands of the
/// processes above ours, nearest first, tell which of its versions runs ("WALinuxAgent-2.9.1.1-py3
/// .8.egg -run-exthandlers"); an agent that has not updated itself is its own daemon, whose version
/// it leaves in our environment (_AZURE_GUEST_AGENT_DAEMON_VERSION_). "Unknown" without either.
/// Source: https://github.com/Azure/WALinuxAgent, azurelinuxagent/ga/update.py and exthandlers.py.
std::string guest_agent_version(const std::vector<std::vector<std::string>>& commands,
                                std::string_view daemon_version);

/// The databases among the names of running processes, as the extension before us wrote them:
/// "['mysqld', 'postgresql']". Cassandra runs as "java" and is not told from others.
std::string database_names(const std::vector<std::string>& processes);

}  // namespace stillpoint
