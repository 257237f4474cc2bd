// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/device_graph.h"
#include "platform/encryption_sources.h"

namespace stillpoint {

/// Finds the block device that a table means, and what stands above and beneath one.
class DeviceFinder {
public:
    /// Keeps references.
    DeviceFinder(const Inventory& inventory, const EncryptionSources& sources);

    const DeviceGraph& graph() const { return graph_; }
    const Inventory& inventory() const { return *inventory_; }

    /// By a path or a tag as crypttab and fstab have them: "/dev/disk/azure/scsi1/lun0-part1",
    /// "UUID=...", "LABEL=...". Null: no such device is there.
    const BlockDevice* find(std::string_view spec) const;

    /// The whole disks beneath; a loop device counts as one.
    std::vector<std::string> disks(const BlockDevice& device) const;
    /// Those of a filesystem by its device number, btrfs too.
    std::vector<std::string> disks_of_mount(DeviceNumber device) const;

    /// Everything that stands on `device`, however far above.
    std::vector<const BlockDevice*> all_above(const BlockDevice& device) const;

    /// The UUID of what lies on the device, as udev saw it; empty: not known.
    std::string uuid_of(std::string_view device) const;

private:
    const BlockDevice* by_azure_link(std::string_view path) const;

    const Inventory* inventory_;
    const EncryptionSources* sources_;
    DeviceGraph graph_;
};

}  // namespace stillpoint
