// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/inventory.h"

namespace stillpoint {

/// What an administrator says of a disk's place, for machines on which it cannot be found out.
struct DiskMapping {
    std::string name;  // the kernel's: "sda", "dm-3", "zram0", "loop5"
    DiskPlace place;

    bool operator==(const DiskMapping&) const = default;
};

/// Puts the administrator's word in the place of what was found out, and says which names are no
/// whole device of this machine.
std::vector<std::string> apply_disk_map(Inventory& inventory,
                                        const std::vector<DiskMapping>& disks);

}  // namespace stillpoint
