// SPDX-License-Identifier: Apache-2.0
#include "restore/passport_store.h"

#include <algorithm>
#include <optional>
#include <set>

#include "restore/machine.h"

namespace stillpoint {
namespace {

/// The newest that tells of encryption, if there is one: a backup goes on without looking at it
/// when that fails.
Result<Passport> newest_passport(const FileStore& folder) {
    Result<Passport> newest = read_passport(folder, kPassportFile);
    if (newest && !newest->surveyed) {
        if (Result<Passport> last = read_passport(folder, kLastPointFile)) {
            return last;
        }
    }
    return newest;
}

/// The machine that wrote it had brought back everything.
bool is_complete(const FileStore& folder, const Passport& passport) {
    const Result<std::string> done = folder.read(kReinstalledFile, 4096);
    return done && !passport.product_uuid.empty() && is_same_product(*done, passport.product_uuid);
}

/// Only a part of the filesystem was mounted there. A part of btrfs is a subvolume.
bool is_part(const Passport& passport, const EncryptedMount& mount) {
    return std::ranges::any_of(passport.inventory.mounts, [&](const Mount& seen) {
        return seen.mount_point == mount.mount_point && seen.root != "/" && mount.type != "btrfs";
    });
}

/// Its filesystem; no value: the passport does not tell.
std::optional<DeviceNumber> filesystem_of(const Passport& passport, const EncryptedMount& mount) {
    for (const Mount& seen : passport.inventory.mounts) {
        if (seen.namespace_pid == 0 && seen.mount_point == mount.mount_point &&
            seen.source == mount.source) {
            return seen.device;
        }
    }
    return std::nullopt;
}

}  // namespace

EncryptionSurvey survey_in(const Passport& passport) {
    EncryptionSurvey survey = passport.encryption;
    for (EncryptedVolume& volume : survey.volumes) {
        std::set<DeviceNumber> seen;
        std::erase_if(volume.mounts, [&](const EncryptedMount& mount) {
            const auto filesystem = filesystem_of(passport, mount);
            const bool is_further = filesystem && !seen.insert(*filesystem).second;
            return is_further || is_part(passport, mount);
        });
    }
    return survey;
}

Result<void> keep_passport_of_another(FileStore& folder, const Passport& mine) {
    const Result<Passport> last = newest_passport(folder);
    if (!last) {
        return {};
    }
    const MachineVerdict verdict = judge_machine({last->product_uuid, last->machine_identity},
                                                 {mine.product_uuid, mine.machine_identity});
    const bool better_kept =
        read_passport(folder, kRestoredFromFile) && !is_complete(folder, *last);
    if (!verdict.restored.value_or(false) || better_kept) {
        return {};
    }
    return folder.replace(kRestoredFromFile, render_passport(*last));
}

Result<Passport> passport_to_restore(const FileStore& folder) {
    Result<Passport> newest = newest_passport(folder);
    if (newest && is_complete(folder, *newest)) {
        return newest;
    }
    Result<Passport> kept = read_passport(folder, kRestoredFromFile);
    return kept ? kept : newest;
}

}  // namespace stillpoint
