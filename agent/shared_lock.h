// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/log.h"
#include "platform/linux/freeze_lock.h"
#include "platform/still_point.h"

namespace stillpoint {

/// The lock that other agents that freeze filesystems know, around each hold. Without it we go on
/// all the same: what somebody else has frozen the kernel tells.
class SharedLock {
public:
    SharedLock(Log& log, const Clock& clock) : log_(log), clock_(clock) {}

    /// Before a hold. Waits a few seconds at most.
    void take(const HoldPlan& plan);
    /// As soon as everything is thawed.
    void let_go() { lock_.reset(); }

    /// A hold went on without it.
    bool missed() const { return missed_; }

private:
    Log& log_;
    const Clock& clock_;
    std::optional<linux_os::FreezeLock> lock_;
    bool missed_ = false;
};

}  // namespace stillpoint
