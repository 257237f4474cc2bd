// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

#include "base/clock.h"

namespace stillpoint::linux_os {

/// Goes on while the machine sleeps, and a step of the wall clock does not move it.
inline Instant boottime_now() noexcept {
    timespec now{};
    (void)::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace stillpoint::linux_os
