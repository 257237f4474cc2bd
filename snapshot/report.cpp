// SPDX-License-Identifier: Apache-2.0
#include "snapshot/report.h"

#include <algorithm>

namespace stillpoint {
namespace {

using Moment = std::optional<Instant> FilesystemEvidence::*;

std::optional<std::chrono::nanoseconds> span(const HoldEvidence& evidence, Moment from, Moment to) {
    std::optional<Instant> first;
    std::optional<Instant> last;
    for (const FilesystemEvidence& one : evidence.filesystems) {
        if (one.outcome != FreezeOutcome::held) {
            continue;
        }
        if (const auto begun = one.*from) {
            first = std::min(first.value_or(*begun), *begun);
        }
        if (const auto ended = one.*to) {
            last = std::max(last.value_or(*ended), *ended);
        }
    }
    if (!first || !last) {
        return std::nullopt;
    }
    return *last - *first;
}

}  // namespace

RequestEcho echo_of(const BackupRequest& request) {
    return {request.task_id, request.command_start_ticks, request.classic_vm};
}

std::optional<std::chrono::nanoseconds> held_for(const HoldEvidence& evidence) {
    return span(evidence, &FilesystemEvidence::freeze_begun, &FilesystemEvidence::thawed);
}

std::optional<std::chrono::nanoseconds> freezing_took(const HoldEvidence& evidence) {
    return span(evidence, &FilesystemEvidence::freeze_begun, &FilesystemEvidence::frozen);
}

std::optional<std::chrono::nanoseconds> thawing_took(const HoldEvidence& evidence) {
    return span(evidence, &FilesystemEvidence::thaw_begun, &FilesystemEvidence::thawed);
}

}  // namespace stillpoint
