// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

namespace stillpoint::linux_os {

/// CLOCK_BOOTTIME and the wall clock.
class SystemClock final : public Clock {
public:
    Instant now() const override;
    WallTime wall_now() const override;
};

}  // namespace stillpoint::linux_os
