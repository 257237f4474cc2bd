// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/device_number.h"

namespace stillpoint::linux_os {

/// All paths below /dev that lead to a block device, by its number: nodes and links.
/// `folder` is another one only in tests.
std::map<DeviceNumber, std::vector<std::string>> block_device_paths(
    const std::string& folder = "/dev");

}  // namespace stillpoint::linux_os
