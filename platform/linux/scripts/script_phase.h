// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/clock.h"
#include "platform/linux/scripts/script_run.h"
#include "platform/script_system.h"

namespace stillpoint::linux_os {

/// Runs the scripts of a phase side by side, each again as often as its retries say, and reads
/// what they print.
class ScriptPhaseRun {
public:
    /// `outputs`: where what earlier scripts left running may print. It is read from, so that
    /// nobody blocks there, and those of this phase are added.
    ScriptPhaseRun(const std::vector<KeptScript>& scripts, ScriptPhase phase, Instant phase_end,
                   std::vector<UniqueFd>& outputs);

    /// Until all have ended or were ended. As soon as `interrupt` (-1: never) is hung up on, all
    /// are cancelled.
    std::vector<ScriptResult> run(int interrupt);

private:
    class One;
    void wait(std::vector<One>& all, int interrupt);

    const std::vector<KeptScript>& scripts_;
    ScriptPhase phase_;
    Instant phase_end_;
    bool interrupted_ = false;
    std::vector<UniqueFd>& outputs_;
};

/// Reads what there is, without waiting, and forgets it. Those that nobody can print to any more
/// are closed.
void drain(std::vector<UniqueFd>& outputs);

}  // namespace stillpoint::linux_os
