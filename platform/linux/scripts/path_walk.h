// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/stat.h>

namespace stillpoint::linux_os {

/// The first folder on the way to `path` (symbolic links and their targets included) in which
/// somebody else than root may exchange the next step; also the last one, when what lies at the end
/// of the way is not `opened`. Empty: none, so the path leads to that file for as long as root
/// wants.
std::string exchangeable_folder(const std::string& path, const struct stat& opened);

}  // namespace stillpoint::linux_os
