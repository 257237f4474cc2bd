// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/log.h"
#include "platform/still_point.h"

namespace stillpoint::linux_os {

/// FIFREEZE and FITHAW through the guard (docs/adr/0004-how-a-freeze-ends.md). The calling thread
/// must be the one whose death means that nobody waits for the hold any more: the guard watches it.
class FreezeStillPoint final : public StillPoint {
public:
    /// `log` is held in memory while anything is frozen. `guard_program`: a path.
    FreezeStillPoint(Log& log, std::string guard_program)
        : log_(log), guard_program_(std::move(guard_program)) {}

    HoldEvidence hold(const HoldPlan& plan, const std::function<void(Deadline)>& action) override;

private:
    Log& log_;
    std::string guard_program_;
};

}  // namespace stillpoint::linux_os
