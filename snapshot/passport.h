// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "encryption/survey.h"
#include "platform/file_store.h"
#include "platform/inventory.h"

namespace stillpoint {

/// What a recovery point says about itself: written to the machine's own disk before the hold, so
/// that it is inside every snapshot. Holds no secret.
struct Passport {
    std::string agent_version;
    std::string machine_identity;
    std::string task_id;
    std::string nonce;  // of this one backup: pairs the disks of one point
    WallTime time{};
    /// The disks that are snapshotted, by name: "sda".
    std::vector<std::string> disks;
    /// As the machine was when the backup was planned.
    Inventory inventory;
    /// The machine's UUID as /sys/class/dmi/id/product_uuid shows it; empty: not readable. A
    /// machine made from restored disks has another one.
    std::string product_uuid;
    EncryptionSurvey encryption;
    bool surveyed =
        false;  // else the encryption could not be looked at, and nothing is known of it
};

inline constexpr int kPassportFormat = 1;
inline constexpr std::string_view kPassportFile = "passport.json";
/// The passport of the last backup that gave a point, and whose encryption was looked at: what the
/// next one compares with. What that backup did not know of a volume, an older one says here. A
/// backup that fails leaves it as it is.
inline constexpr std::string_view kLastPointFile = "last-point.json";
/// A copy of the passport, in /boot, where root is encrypted: readable when root does not open.
inline constexpr std::string_view kBootPassportFile = "stillpoint-passport.json";

/// A machine with thousands of mounts has one of several MiB; more is not read.
inline constexpr std::size_t kMostPassportBytes = 16U << 20;

/// The document: JSON, one line per device and mount so that two of them can be compared by eye.
std::string render_passport(const Passport& passport);

/// Reads such a document back; what it does not say stays empty (mount options are never written,
/// nor which process another mount namespace was seen by: `namespace_pid` is then 1). Members that
/// are not known are ignored, and those that older versions did not write may be missing.
/// Errors: passport_malformed, with the member and what is wrong with it.
Result<Passport> parse_passport(std::string_view text);

/// Whether a copy belongs into /boot: root is encrypted, and /boot is a filesystem of its own that
/// can be read and written without it.
bool belongs_into_boot(const Passport& passport);

/// Errors: file_unreadable (os: ENOENT when there is none), passport_malformed.
Result<Passport> read_passport(const FileStore& folder, std::string_view name);

/// Errors: file_unwritable.
Result<void> write_passport(FileStore& folder, const Passport& passport);

}  // namespace stillpoint
