// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "snapshot/report.h"
#include "snapshot/storage.h"

namespace stillpoint {

/// What every report says about machine and agent, under the wire's names and in its order.
/// `guest_agent`: the VM agent's version.
std::vector<TelemetryFact> machine_facts(const std::string& extension_version,
                                         const std::string& guest_agent);

/// The VM agent's version. Only `enable` can tell: the VM agent is its parent.
std::string calling_guest_agent();

/// How full the filesystems of `plan` are. Not while anything is held.
StorageFacts storage_facts(const StoragePlan& plan, Log& log);

}  // namespace stillpoint
