// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/choice.h"

namespace stillpoint {

/// Lines that were lost, or that name a device which is another one now. A table that is right gets
/// no step.
void plan_tables(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                 RestorePlan& plan);

/// How a table should name the device: in the manner of the old name, where such a link exists.
std::string lasting_name(const RestoreFacts& facts, const RestoreDevice& device,
                         const std::string& old_name, const std::string& header_uuid);

}  // namespace stillpoint
