// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "encryption/readiness.h"

namespace stillpoint {

/// How people know the volume: "'sdc1' ('data')".
std::string shown(const EncryptedVolume& volume);

/// What became of the encrypted volumes since the last point, which must be there, each change
/// named.
std::vector<ReadinessWarning> header_changes(const ReadinessInput& input);

/// `now` for the next point to be compared with: what it does not know of a volume, its header or
/// where its keys are, stays as `last` had it, so that one blind point hides no change. Where it
/// has gaps, so do volumes that it did not see.
EncryptionSurvey to_compare_with(const EncryptionSurvey& last, const EncryptionSurvey& now);

}  // namespace stillpoint
