// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
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
};

inline constexpr int kPassportFormat = 1;
inline constexpr std::string_view kPassportFile = "passport.json";

/// The document: JSON, one line per device and mount so that two of them can be compared by eye.
std::string render_passport(const Passport& passport);

/// Errors: file_unwritable.
Result<void> write_passport(FileStore& folder, const Passport& passport);

}  // namespace stillpoint
