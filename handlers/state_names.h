// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace stillpoint {

// The names that the extension before us used.
inline constexpr std::string_view kSequenceFile = "mrseq";
inline constexpr std::string_view kTaskFile = "task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C";
inline constexpr std::string_view kMachineFile =
    "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C";
// The last digit differs from the other file's: it lives in /etc/azure and outlives the extension.
inline constexpr std::string_view kUniqueIdFile =
    "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B";

}  // namespace stillpoint
