// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

namespace stillpoint::testing {

/// A clock that is moved by hand.
class FakeClock final : public Clock {
public:
    Instant now() const override { return now_; }
    WallTime wall_now() const override { return wall_; }

    void advance(std::chrono::nanoseconds by) {
        now_ += by;
        wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(by);
    }
    void set_wall(WallTime wall) { wall_ = wall; }

private:
    Instant now_{std::chrono::hours(1)};
    WallTime wall_{std::chrono::milliseconds(1'795'382'252'480)};  // 2026-11-22T21:17:32.480Z
};

}  // namespace stillpoint::testing
