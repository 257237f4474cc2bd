// SPDX-License-Identifier: Apache-2.0
#include "snapshot/disk_map.h"

#include <algorithm>

namespace stillpoint {

std::vector<std::string> apply_disk_map(Inventory& inventory,
                                        const std::vector<DiskMapping>& disks) {
    std::vector<std::string> warnings;
    for (const DiskMapping& mapping : disks) {
        const auto device = std::ranges::find(inventory.devices, mapping.name, &BlockDevice::name);
        if (device == inventory.devices.end()) {
            warnings.push_back("[disks] names '" + mapping.name +
                               "', which is no block device of this machine");
        } else if (device->kind == BlockKind::partition) {
            warnings.push_back("[disks] names '" + mapping.name +
                               "', which is a partition; only whole disks have a place");
        } else {
            device->place = mapping.place;
        }
    }
    return warnings;
}

}  // namespace stillpoint
