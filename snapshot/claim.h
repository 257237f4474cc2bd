// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/still_point.h"
#include "snapshot/outcome.h"
#include "snapshot/plan.h"

namespace stillpoint {

/// What a recovery point is worth, weakest first.
enum class Consistency { none, crash, file_system, application };

std::string_view name_of(Consistency level);

/// What was quiesced above the filesystems. `required` and `verified` differ when a hook failed.
struct QuiescedApplications {
    bool any_required = false;
    bool all_verified = false;
    std::string why_not;
};

/// A level and, for every level above it that was not reached, why.
struct Claim {
    Consistency level = Consistency::none;
    std::vector<std::string> reasons;
};

/// Computes the level from what was recorded; no other code sets one. Pure.
/// The conditions are those of docs/consistency.md, for the span from the first byte of the first
/// snapshot request to the last byte of the last reply.
Claim claim(const GuestPlan& plan, const HoldEvidence& evidence, const SnapshotOutcome& snapshots,
            const QuiescedApplications& applications);

}  // namespace stillpoint
