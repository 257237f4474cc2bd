// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "restore/choice.h"

namespace stillpoint {

bool stands_on(const RestoreDevice& upper, const RestoreDevice& lower) {
    return std::ranges::find(upper.block.below, lower.block.name) != upper.block.below.end();
}

std::vector<const RestoreDevice*> above(const RestoreFacts& facts, const RestoreDevice& device) {
    std::vector<const RestoreDevice*> found;
    for (const RestoreDevice& upper : facts.devices) {
        if (stands_on(upper, device) && upper.block.kind != BlockKind::partition) {
            found.push_back(&upper);
        }
    }
    return found;
}

const RestoreDevice* opened_as(const RestoreFacts& facts, const std::string& name) {
    for (const RestoreDevice& device : facts.devices) {
        if (device.block.kind == BlockKind::dm_crypt && device.block.dm_name == name) {
            return &device;
        }
    }
    return nullptr;
}

/// With integrity a device without a header lies between, which cryptsetup calls NAME_dif.
const RestoreDevice* below(const RestoreFacts& facts, const RestoreDevice& mapped) {
    const auto next = [&](const RestoreDevice& device) {
        return device.block.below.empty() ? nullptr
                                          : device_at(facts, "/dev/" + device.block.below.front());
    };
    const RestoreDevice* device = next(mapped);
    return device != nullptr && device->block.dm_name == mapped.block.dm_name + "_dif"
               ? next(*device)
               : device;
}

}  // namespace stillpoint
