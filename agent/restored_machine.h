// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "handlers/stale_state.h"
#include "restore/facts.h"

namespace stillpoint {

/// A recovery point's passport, or why there is none.
struct FoundPassport {
    std::optional<PointFacts> point;
    std::string problem;
    /// The machine that was backed up last from these disks; no value: unknown.
    std::optional<MachineName> newest;
};

/// Reads `file`; empty: the places below `root` ("" is this system's own) where a backup leaves it,
/// the passport that a restored machine kept aside before its newest.
FoundPassport find_passport(const std::string& root, const std::string& file);

/// Who the running machine is.
MachineName this_machine();

/// What below `root` the extension remembers of another machine than this one.
StateReset stale_state_below(const std::string& root, const StateOwner& owner);

}  // namespace stillpoint
