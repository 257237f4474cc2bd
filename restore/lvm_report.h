// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "restore/facts.h"

namespace stillpoint {

/// The words that ask LVM what it has. It reads disks and changes nothing, and so cannot tell what
/// is active.
std::vector<std::string> lvm_physical_command();
std::vector<std::string> lvm_logical_command();

/// What the two of them print, put together; which logical volumes are active is known by the
/// mappings' UUIDs. What is not understood is left out.
std::vector<VolumeGroup> parse_lvm_report(std::string_view physical, std::string_view logical,
                                          const std::vector<RestoreDevice>& devices);

}  // namespace stillpoint
