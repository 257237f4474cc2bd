// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace stillpoint::linux_os {

/// The command lines of the processes above this one, nearest first. What cannot be read is left
/// out.
std::vector<std::vector<std::string>> commands_above();

/// The names of all processes, 15 letters at most (/proc/PID/comm). Command lines are not read:
/// that waits for a process's memory lock, which one that hangs on a network filesystem may hold.
std::vector<std::string> process_names();

}  // namespace stillpoint::linux_os
