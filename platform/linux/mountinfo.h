// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/inventory.h"

namespace stillpoint::linux_os {

/// What a mount table said. A line that is not understood costs that line, not the backup: it
/// becomes a gap.
struct MountTable {
    std::vector<Mount> mounts;
    std::vector<std::string> gaps;
};

/// Reads the text of /proc/PID/mountinfo; `namespace_pid` is put into each mount (0: our own).
/// Pure. Source: proc_pid_mountinfo(5).
MountTable parse_mountinfo(std::string_view text, int namespace_pid);

/// Reads the text of /proc/swaps. Pure. Source: proc_swaps(5).
std::vector<SwapArea> parse_swaps(std::string_view text);

/// "\040" becomes a space: how the kernel writes white space and backslashes in these tables.
std::string decode_octal(std::string_view text);

}  // namespace stillpoint::linux_os
