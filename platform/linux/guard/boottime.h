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

/// How often the state of a dying process is looked at: there is no event for "its last system call
/// has returned" that every kernel we support has.
constexpr Instant kLook = std::chrono::milliseconds(2);

/// For less than a second.
inline void pause_for(Instant span) noexcept {
    const timespec time{0, static_cast<long>(span.count())};
    (void)::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace stillpoint::linux_os
