// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/clock.h"

namespace stillpoint::linux_os {

/// Kills every process that descends from this one, which must be a subreaper
/// (PR_SET_CHILD_SUBREAPER): nobody gets away by a session of its own or by a parent that has
/// ended. Reaps what are our own children. False: at `until` some were left, as those are that the
/// kernel does not let go of.
bool kill_descendants(Instant until);

/// The same for the subreaper `pid`, which may be stopped and so reaps nobody: the dead are not
/// counted.
bool kill_descendants_of(pid_t pid, Instant until);

}  // namespace stillpoint::linux_os
