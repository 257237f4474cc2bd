// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace stillpoint::linux_os {

/// What a program printed and how it ended.
struct CapturedOutput {
    std::string text;
    int exit_code = 0;
};

/// Runs a program as spawn() does and takes its output, at most `limit_bytes`. At `until` it is
/// killed, and left behind if the kernel does not let go of it.
/// Errors: action_failed, when it does not start, is late, prints more, or dies by a signal.
Result<CapturedOutput> run_captured(const std::vector<std::string>& command,
                                    std::size_t limit_bytes, Instant until);

}  // namespace stillpoint::linux_os
