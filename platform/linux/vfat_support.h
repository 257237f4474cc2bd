// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace stillpoint::linux_os {

/// Why a vfat filesystem cannot be mounted by the system below `root` ("/": the one that runs): a
/// sentence; empty when it can. A module that an administrator switched off counts as missing also
/// while it is loaded, since it is gone at the next start.
std::string why_no_vfat(const std::string& root);

}  // namespace stillpoint::linux_os
