// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "platform/file_store.h"
#include "snapshot/passport.h"

namespace stillpoint {

/// The passport of the machine whose disks these are, where a backup of the restored one would have
/// replaced it: that one knows the disks only as it found them, closed.
inline constexpr std::string_view kRestoredFromFile = "passport-restored.json";

/// Holds the product UUID of the machine on which everything was brought back.
inline constexpr std::string_view kReinstalledFile = "reinstalled_on";

/// What a passport says of the disks, with one mount of each filesystem and none of single folders:
/// what else was mounted, a table has lines for, or somebody did it by hand.
EncryptionSurvey survey_in(const Passport& passport);

/// To be called before `mine` is written to the folder. Errors: file_unwritable.
Result<void> keep_passport_of_another(FileStore& folder, const Passport& mine);

/// The passport that tells how the disks were: the newest that knows their encryption, or the one
/// that was kept as long as the machine that wrote the newest did not bring everything back.
/// Errors: file_unreadable, passport_malformed.
Result<Passport> passport_to_restore(const FileStore& folder);

}  // namespace stillpoint
