// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "snapshot/host_messages.h"

namespace stillpoint {

/// What the host's answer means before its body is looked into: the status for the telemetry, and
/// the error if there is nothing to look into.
struct HostVerdict {
    int status = kNoReply;
    std::optional<Error> error;
};
HostVerdict host_verdict(const Result<HttpReply>& reply, std::string_view call);

/// "2025-01-01T00:00:00.123456Z" as milliseconds since 1970, cut off. Up to six digits of a
/// fraction, or none.
std::optional<std::int64_t> parse_creation_time(std::string_view text);

}  // namespace stillpoint
