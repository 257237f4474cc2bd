// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/linux_inventory.h"

#include <iterator>
#include <utility>

#include "platform/linux/mount_namespaces.h"
#include "platform/linux/mountinfo.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/sysfs_devices.h"

namespace stillpoint::linux_os {
namespace {

void append(Inventory& inventory, MountTable table) {
    std::ranges::move(table.mounts, std::back_inserter(inventory.mounts));
    std::ranges::move(table.gaps, std::back_inserter(inventory.gaps));
}

}  // namespace

Result<Inventory> LinuxInventory::read() const {
    const auto own = read_kernel_file(proc_root_ + "/self/mountinfo");
    if (!own) {
        return fail(Code::inventory_unreadable, "cannot read which filesystems are mounted")
            .caused_by(own.error());
    }
    Inventory inventory;
    append(inventory, parse_mountinfo(*own, 0));
    if (inventory.mounts.empty()) {
        return fail(Code::inventory_unreadable, "the mount table shows no mount");
    }
    append(inventory, read_other_namespaces(proc_root_, inventory.mounts));

    const SysfsDevices sysfs(sys_root_);
    auto devices = sysfs.block_devices();
    if (!devices) {
        return devices.error();
    }
    inventory.devices = *std::move(devices);
    inventory.btrfs = sysfs.btrfs();

    if (const auto swaps = read_kernel_file(proc_root_ + "/swaps")) {
        inventory.swaps = parse_swaps(*swaps);
    } else if (!swaps.error().os() || swaps.error().os()->number != ENOENT) {
        // A kernel built without swapping has no such file.
        inventory.gaps.push_back("the swap areas cannot be read: " + swaps.error().sentence());
    }
    return inventory;
}

}  // namespace stillpoint::linux_os
