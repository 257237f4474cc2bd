// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "platform/still_point.h"

namespace stillpoint {

/// A still point with something to be done as soon as everything is let go.
class AfterHold final : public StillPoint {
public:
    AfterHold(StillPoint& inner, std::function<void()> after)
        : inner_(inner), after_(std::move(after)) {}

    HoldEvidence hold(const HoldPlan& plan, const std::function<void(Deadline)>& action) override {
        HoldEvidence evidence = inner_.hold(plan, action);
        after_();
        return evidence;
    }

private:
    StillPoint& inner_;
    std::function<void()> after_;
};

}  // namespace stillpoint
