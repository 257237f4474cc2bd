// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "snapshot/plan.h"
#include "snapshot/report.h"

namespace stillpoint {

/// What every report says about machine and agent, under the wire's names and in its order.
std::vector<TelemetryFact> machine_facts(const std::string& extension_version);

/// How full the local filesystems on snapshotted disks are. Touches only what the plan holds or
/// watches, so no network filesystem can hang it. Not while anything is held.
StorageFacts storage_facts(const GuestPlan& plan);

}  // namespace stillpoint
