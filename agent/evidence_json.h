// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/still_point.h"
#include "snapshot/plan.h"

namespace stillpoint {

/// The evidence of a hold as JSON, for programs: every mounted filesystem with its outcome (held,
/// watched, left out and why, failed and errno), all times in nanoseconds on CLOCK_BOOTTIME, block
/// counters. The members are documented in docs/hold.md.
std::string evidence_json(const GuestPlan& plan, const HoldEvidence& evidence);

/// The same for a person: a line per filesystem and what the hold came to. `only_named_mounts`:
/// without the list of everything that was left out.
std::string evidence_text(const GuestPlan& plan, const HoldEvidence& evidence,
                          bool only_named_mounts);

std::string_view name_of(FreezeOutcome outcome);

}  // namespace stillpoint
