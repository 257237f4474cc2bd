// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/device_graph.h"

namespace stillpoint {

/// Whether what is stacked on a device takes all of it, as far as anybody writes there. A partition
/// does not: beside it lies the partition table.
bool takes_all(const BlockDevice& upper);

/// Those of `counted` on which nothing is written while the filesystems that lie directly on
/// `frozen` are: such a filesystem is on the device itself, or everything that is stacked on it
/// carries one. A physical volume with a volume beside those that are held is not covered, nor is
/// what lies beneath a layer that writes of its own accord (pools, copy-on-write stores).
std::vector<std::string> covered_devices(const DeviceGraph& graph,
                                         const std::vector<std::string>& frozen,
                                         const std::vector<std::string>& counted);

}  // namespace stillpoint
