// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/inventory.h"
#include "snapshot/report.h"
#include "snapshot/request.h"

namespace stillpoint {

/// What a filesystem's used bytes are added to.
enum class StorageUse {
    counted,    // the bytes the vault is told
    temporary,  // the platform's temporary disk, local disks
    loop,       // lies in a file: its bytes are that file's, and counted there
};

/// A mounted filesystem whose used bytes are to be asked for, once per superblock.
struct FilesystemToMeasure {
    DeviceNumber device;
    std::string mount_point;
    int mount_id = 0;
    int namespace_pid = 0;
    StorageUse use = StorageUse::counted;

    bool operator==(const FilesystemToMeasure&) const = default;
};

struct StoragePlan {
    std::vector<FilesystemToMeasure> filesystems;
    /// To be counted, but the way there leads through a filesystem that may hang, or other mounts
    /// lie over them: they are not touched. Only those of our own mount namespace: a container's
    /// come and go.
    std::vector<std::string> unreachable;
    /// Mounted filesystems that could be frozen, on whatever disk, and swap partitions.
    int partitions = 0;
    bool network_mounted = false;
    /// The sum is never said to be more.
    std::optional<std::uint64_t> cap_bytes;
};

/// Decides by mount table and devices alone what of the machine counts: local filesystems on block
/// devices that lie on disks in the backup. Network, FUSE and cluster filesystems are never
/// touched. Where disks are excluded, a filesystem counts if every disk that it stands on is
/// listed, or has a place that is not known; else only the temporary, local and remote disks do not
/// count. Pure.
StoragePlan plan_storage(const Inventory& inventory, const BackupRequest& request);

/// Adds up. `used_bytes` answers for one filesystem; no value when it cannot be read, which makes
/// the sum a failed one unless the filesystem is a container's, which may have ended meanwhile.
StorageFacts measure_storage(
    const StoragePlan& plan,
    const std::function<std::optional<std::uint64_t>(const FilesystemToMeasure&)>& used_bytes);

}  // namespace stillpoint
