// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace stillpoint {

/// A point on the system's steady clock that goes on while the machine sleeps (Linux:
/// CLOCK_BOOTTIME; Windows: QueryInterruptTime). Deadlines, evidence and durations use it, never
/// the wall clock: a clock step must not change a verdict.
using Instant = std::chrono::nanoseconds;

/// The wall clock in UTC, for documents only.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    virtual WallTime wall_now() const = 0;
};

/// When waiting must end. Passed down to everything that waits.
class Deadline {
public:
    explicit constexpr Deadline(Instant at) : at_(at) {}
    static constexpr Deadline max() { return Deadline(Instant::max()); }

    constexpr Instant at() const { return at_; }
    constexpr bool passed(Instant now) const { return now >= at_; }
    /// Never negative; what poll() and timers take.
    constexpr std::chrono::milliseconds left(Instant now) const {
        return passed(now) ? std::chrono::milliseconds(0)
                           : std::chrono::ceil<std::chrono::milliseconds>(at_ - now);
    }

private:
    Instant at_;
};

}  // namespace stillpoint
