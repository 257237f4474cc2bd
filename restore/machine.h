// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/facts.h"

namespace stillpoint {

/// Firmware gives the first three groups in either byte order, and kernels differ in which they
/// show: both are the same machine. Source: SMBIOS specification 2.6, section 7.2.1.
bool is_same_product(std::string_view left, std::string_view right);

struct MachineVerdict {
    std::optional<bool> restored;  // no value: it cannot be told
    std::string finding;           // a sentence
};

/// Whether `now` is another machine than the one that was backed up.
MachineVerdict judge_machine(const MachineName& then, const MachineName& now);

}  // namespace stillpoint
