// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "encryption/survey.h"

namespace stillpoint {

/// Looks at the machine's encryption. `root`: where its root is mounted, "/" for this one.
/// Errors: inventory_unreadable.
Result<EncryptionSurvey> survey_machine(const std::string& root);

/// The same in a process of its own: a disk that hangs, or a header made to break its reader, costs
/// the survey and nothing else.
/// Errors: encryption_survey_failed.
Result<EncryptionSurvey> survey_machine_apart(Instant until);

}  // namespace stillpoint
