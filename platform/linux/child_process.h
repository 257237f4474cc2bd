// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"

namespace stillpoint::linux_os {

/// The path of the program that runs.
std::string own_program();

/// Starts a program in a session of its own with no input and, unless `keep_errors`, no output but
/// what goes to the descriptor `output`. A name without a slash is looked for in PATH. Never
/// through a shell. The error's os is why it did not start.
Result<pid_t> spawn(const std::vector<std::string>& command, bool keep_errors, int output = -1);

/// Waits for the child; its wait status, or no value when it has not ended before `until`.
std::optional<int> wait_for_exit(pid_t child, Instant until);

}  // namespace stillpoint::linux_os
