// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace stillpoint::linux_os {

/// Where `path` leads for a system whose root is the folder `root` (empty: this one's own): links
/// are followed as that system would follow them, so that none leads out of the folder. What does
/// not exist keeps its name. Gives the path as it is from here.
/// Errors: file_unreadable, when links lead in a circle.
Result<std::string> resolve_in_root(const std::string& root, const std::string& path);

/// The folder of another system's root, links resolved. Errors: usage, when it is no folder, this
/// system's own root, or holds no system.
Result<std::string> read_root_folder(const std::string& folder);

}  // namespace stillpoint::linux_os
