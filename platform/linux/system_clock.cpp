// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/system_clock.h"

#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {

Instant SystemClock::now() const {
    return boottime_now();
}

WallTime SystemClock::wall_now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace stillpoint::linux_os
