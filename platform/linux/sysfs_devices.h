// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/inventory.h"

namespace stillpoint::linux_os {

/// The block devices and btrfs filesystems that sysfs shows. Opens nothing but files of sysfs.
class SysfsDevices {
public:
    /// `sys_root` is another folder only in tests.
    explicit SysfsDevices(std::string sys_root = "/sys") : sys_root_(std::move(sys_root)) {}

    /// Every device with a number, by name. Errors: inventory_unreadable (no class/block).
    Result<std::vector<BlockDevice>> block_devices() const;

    /// Every btrfs filesystem the kernel has open, by UUID; empty without btrfs.
    std::vector<BtrfsFilesystem> btrfs() const;

private:
    BlockDevice describe(const std::string& name, DeviceNumber number) const;
    DiskPlace place(const std::string& name, const std::string& path) const;

    std::string sys_root_;
};

}  // namespace stillpoint::linux_os
