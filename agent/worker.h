// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace stillpoint {

/// The detached process behind `enable`: does the backup of `sequence` and writes the final
/// documents. Runs in the extension's folder. Returns the exit code: 0 when a final status was
/// written, whatever it says.
int run_worker(int sequence, const std::string& guest_agent);

/// The hidden command by which the worker starts the process that keeps its scripts.
inline constexpr const char* kScriptKeeperCommand = "script-keeper";

}  // namespace stillpoint
