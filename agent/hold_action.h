// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint {

/// What `stillpoint hold` does while the guest is held. Everything it needs is made before, so that
/// run() opens nothing and starts nothing but what the user asked for.
class HoldAction {
public:
    virtual ~HoldAction() = default;
    /// Waits for the end of the action, a stop signal or the deadline.
    virtual void run(Deadline deadline) = 0;
    /// After the hold: waits for what still runs. Errors: action_failed, also when it was cut short
    /// by a stop signal.
    virtual Result<void> finish() = 0;
};

std::unique_ptr<HoldAction> hold_for(std::chrono::milliseconds span);
std::unique_ptr<HoldAction> hold_until_eof();
/// A child that waits for its turn in a pipe: starting it while held is one exec.
/// Errors: action_failed, when it cannot be forked.
Result<std::unique_ptr<HoldAction>> hold_while_running(const std::vector<std::string>& command);

/// Blocks the stop signals (and SIGCHLD, and SIGPIPE) for the whole process; from now on they end
/// an action, and with it the hold. To be called before any thread is started.
void catch_stop_signals();

}  // namespace stillpoint
