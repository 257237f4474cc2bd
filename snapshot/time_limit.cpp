// SPDX-License-Identifier: Apache-2.0
#include "snapshot/time_limit.h"

#include "base/format.h"
#include "base/result.h"

namespace stillpoint {

std::optional<Error> too_late(std::optional<std::int64_t> ticks, WallTime now) {
    // 0001-01-01 to 1970-01-01, in ticks.
    constexpr std::int64_t kUnixEpoch = 621'355'968'000'000'000;
    constexpr std::int64_t kTicksPerMillisecond = 10'000;
    if (!ticks || *ticks < 0) {
        return std::nullopt;
    }
    const WallTime start{std::chrono::milliseconds((*ticks - kUnixEpoch) / kTicksPerMillisecond)};
    if (now - start <= kCommandLimit) {
        return std::nullopt;
    }
    return fail(Code::command_too_late,
                fmt::format("the command is {} minutes old",
                            std::chrono::floor<std::chrono::minutes>(now - start).count()));
}

}  // namespace stillpoint
