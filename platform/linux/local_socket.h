// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// Waits until `fd` is readable or closed; false when `until` came first, or the process behind
/// `life` (-1: none) ended.
bool readable(int fd, Instant until, int life = -1);

/// Nobody else's, and hard to guess: "stillpoint-PID-...".
std::string random_name();

/// Listens for messages at an abstract name, which lives in no filesystem. Errors:
/// guard_unavailable.
Result<UniqueFd> listen_at(const std::string& name);

/// The next connection of `wanted` (0: any process of our user); others are refused. Gives up at
/// once when `wanted` has ended. Errors: guard_unavailable.
Result<UniqueFd> accept_from(int listener, pid_t wanted, Instant until);

/// Connects to a process of our own user. Errors: guard_unavailable.
Result<UniqueFd> connect_to(const std::string& name);

}  // namespace stillpoint::linux_os
