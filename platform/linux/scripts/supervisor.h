// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/clock.h"
#include "platform/linux/scripts/script_run.h"

namespace stillpoint::linux_os {

struct Supervision {
    const KeptScript& script;
    ScriptPhase phase;
    Instant until;
    pid_t keeper;
    int output;  // the script's output and errors
    int report;  // takes one RunReport
};

/// The whole life of a supervisor, in a process forked for it from one with a single thread.
[[noreturn]] void supervise(const Supervision& task);

}  // namespace stillpoint::linux_os
