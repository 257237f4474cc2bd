// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/choice.h"

namespace stillpoint {

/// LVM on the volumes: copies beside their originals are left, or renamed where that is allowed;
/// what is inactive is activated. Volumes that had better stay closed get their `left`.
void plan_volume_groups(const RestoreFacts& facts, const RestoreChoices& choices,
                        std::vector<ChosenVolume>& volumes, RestorePlan& plan);

/// A mount that a volume had.
struct WantedMount {
    std::string source;  // as fstab or the passport names it, renamed groups already corrected
    std::string mount_point;
    std::string type;
    std::string options;
    std::string uuid;                // of the filesystem; empty: unknown
    std::optional<FstabEntry> line;  // the one that fstab should have; no value: it had none
    bool line_changed = false;       // fstab has another one for it, or none
    bool lacks_nofail = false;       // the one that fstab has
};

/// What was mounted from a volume: by fstab as it is, by azure_crypt_mount, by the passport, by the
/// line kept inside it.
std::vector<WantedMount> wanted_mounts(const RestoreFacts& facts, const ChosenVolume& volume);

/// The line mounts a folder, not a device.
bool is_bind(const FstabEntry& entry);
/// The line mounts a device somewhere: no swap, no folder of another mount.
bool is_mount(const FstabEntry& entry);
/// The line mounts at every start what may lie on a data disk: neither root nor the temporary disk
/// nor the keys, and nothing of the network's.
bool is_of_data_disk(const FstabEntry& entry);

void plan_mounts(const RestoreFacts& facts, const RestoreChoices& choices,
                 const std::vector<ChosenVolume>& volumes, RestorePlan& plan);

/// The content of a volume and all that stands on it.
std::vector<const RestoreDevice*> all_of(const RestoreFacts& facts, const ChosenVolume& volume);

}  // namespace stillpoint
