// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "encryption/survey.h"
#include "platform/encryption_sources.h"
#include "platform/inventory.h"

namespace stillpoint {

/// Puts together what the machine's devices, tables and headers say. Reads headers and nothing
/// else; no key is derived. What cannot be read is a gap, never a failure. The temporary disk,
/// local disks and other machines' disks are left out, as from a backup, and noted.
EncryptionSurvey survey_encryption(const Inventory& inventory, const EncryptionSources& sources,
                                   const EncryptionHeaders& headers);

}  // namespace stillpoint
