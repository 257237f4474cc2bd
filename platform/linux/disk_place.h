// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "platform/inventory.h"

namespace stillpoint::linux_os {

/// What sysfs shows of a whole disk that tells where it is attached.
struct DiskFacts {
    std::string name;         // "sda"
    std::string path;         // its folder in sysfs, links resolved
    std::string vendor;       // trimmed
    std::string model;        // trimmed
    std::string vmbus_id;     // device_id of the VMBus device above it: "{f8b3781a-...}"
    std::string transport;    // NVMe: "pcie", "tcp", "fc", "rdma"
    std::optional<int> nsid;  // NVMe: the namespace's number
};

/// Where the disk is in the machine; LUNs by the rules of the platform. Pure.
/// Source: azure-vm-utils, udev/80-azure-disk.rules; WALinuxAgent, 66-azure-storage.rules.
DiskPlace place_of(const DiskFacts& facts);

}  // namespace stillpoint::linux_os
