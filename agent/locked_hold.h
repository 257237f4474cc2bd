// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/shared_lock.h"
#include "platform/still_point.h"

namespace stillpoint {

/// A still point under the lock that other freezing agents know: taken just before it, let go as
/// soon as everything is thawed.
class LockedHold final : public StillPoint {
public:
    LockedHold(StillPoint& inner, SharedLock& lock) : inner_(inner), lock_(lock) {}

    HoldEvidence hold(const HoldPlan& plan, const std::function<void(Deadline)>& action) override {
        lock_.take(plan);
        HoldEvidence evidence = inner_.hold(plan, action);
        lock_.let_go();
        return evidence;
    }

private:
    StillPoint& inner_;
    SharedLock& lock_;
};

}  // namespace stillpoint
