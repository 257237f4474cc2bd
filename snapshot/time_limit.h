// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"

namespace stillpoint {

/// How old a command may be: the service gives it up after that.
inline constexpr std::chrono::minutes kCommandLimit{140};

/// command_too_late when the command of `ticks` (100 ns since the year 1, UTC) is older than the
/// limit at `now`: the host's time where it is known, else our own. A command without a time, or
/// with one from the future, is never too late.
std::optional<Error> too_late(std::optional<std::int64_t> ticks, WallTime now);

}  // namespace stillpoint
