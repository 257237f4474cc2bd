// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "platform/file_store.h"
#include "snapshot/backup.h"
#include "snapshot/passport.h"

namespace stillpoint {

/// What a backup does about encryption and about its passport. Whatever goes wrong here costs a
/// warning in the log and never the backup.
class PassportOffice {
public:
    PassportOffice(FileStore& folder, const Clock& clock, Log& log)
        : folder_(folder), clock_(clock), log_(log) {}

    /// Looks at the disks' headers, and at what the last point said of them. Before the host is
    /// asked, so that it takes nothing from the time between that and the hold.
    void look_at_encryption();

    /// Warns of what would keep this point from being opened again, and writes its passport.
    void record(Passport passport, const EncryptionTold& told);

    /// The backup gave a point: the next one compares with what was recorded of this one.
    void note_point();

private:
    void warn(const Passport& passport);
    void write(const Passport& passport);

    FileStore& folder_;
    const Clock& clock_;
    Log& log_;
    std::optional<EncryptionSurvey> survey_;
    std::optional<Passport> last_;  // of the last point
    std::string recorded_;          // the passport, once its encryption was looked at
};

}  // namespace stillpoint
