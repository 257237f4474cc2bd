// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/inventory.h"

namespace stillpoint::linux_os {

/// The storage of this machine, from /proc and /sys alone.
class LinuxInventory final : public VolumeInventory {
public:
    /// Other folders only in tests.
    explicit LinuxInventory(std::string proc_root = "/proc", std::string sys_root = "/sys")
        : proc_root_(std::move(proc_root)), sys_root_(std::move(sys_root)) {}

    Result<Inventory> read() const override;

private:
    std::string proc_root_;
    std::string sys_root_;
};

}  // namespace stillpoint::linux_os
