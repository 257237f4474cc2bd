// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "platform/restore_system.h"

namespace stillpoint::linux_os {

/// Runs one of the system's tools: looked for in the system's own folders, never by PATH, with an
/// environment of ours and no input. What it prints is kept up to 16 MiB.
/// It is killed when it has not ended in time, or `stopped` says so.
/// Errors: restore_step_failed: not there, not started, killed.
Result<ToolResult> run_tool(const std::vector<std::string>& command,
                            std::chrono::milliseconds limit, const std::function<bool()>& stopped);

}  // namespace stillpoint::linux_os
