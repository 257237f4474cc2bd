// SPDX-License-Identifier: Apache-2.0
#include "snapshot/outcome.h"

#include <algorithm>

namespace stillpoint {

DiskOutcome untried_disk() {
    DiskOutcome disk;
    disk.service_message = "not tried: another disk cannot be reached";
    return disk;
}

bool SnapshotOutcome::all_successful() const {
    return !disks.empty() && std::ranges::all_of(disks, &DiskOutcome::successful);
}

bool SnapshotOutcome::none_successful() const {
    return std::ranges::none_of(disks, &DiskOutcome::successful);
}

}  // namespace stillpoint
