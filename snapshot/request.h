// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "platform/http_client.h"

namespace stillpoint {

/// Who takes the snapshots. The wire names are those of `takeSnapshotFrom`.
enum class SnapshotMethod { only_guest, only_host, first_guest_then_host, first_host_then_guest };

/// A setting whose JSON value is passed on as it came: `json` is its text, "true" by default a
/// boolean.
struct PassedSetting {
    std::string key;
    std::string json;

    bool operator==(const PassedSetting&) const = default;
};

/// Everything the host asked for in one `enable`, checked and typed; the shape both systems share.
/// Parsed from public and protected settings by handlers/settings.h, where each member's origin
/// stands.
struct BackupRequest {
    enum class Command { snapshot, install };
    Command command = Command::snapshot;
    std::string task_id;         // may be empty
    std::string backup_task_id;  // what the host is told; the same as task_id unless overridden
    std::string command_start_ticks;  // 100 ns since 0001-01-01 UTC as text; empty: unknown
    std::optional<std::int64_t> command_start_ticks_number;
    bool classic_vm = false;  // vmType: classic machines report another outer status
    std::string vm_type;

    std::optional<HttpTarget> logs_blob;
    std::optional<HttpTarget> status_blob;

    SnapshotMethod method = SnapshotMethod::first_host_then_guest;
    bool managed_vm = true;
    bool may_be_crash_consistent = false;  // canTakeCrashConsistentSnapshot
    int backup_retry_count = 0;
    bool only_os_disk = false;

    /// Disk LUNs to snapshot, -1 the OS disk, in the order the host listed them; empty: unknown, so
    /// all.
    std::vector<int> luns;
    std::vector<int> write_accelerated_luns;
    bool any_disk_excluded = false;
    bool any_write_accelerated = false;
    bool vmgs_included = false;
    bool any_direct_drive = false;
    bool disk_encryption = false;     // isVMADEEnabled
    std::string instant_access_json;  // instantAccessDurationMinutes as it came; empty: absent

    /// `settings` for the host, in order, JSON values kept.
    std::vector<PassedSetting> host_settings;
    /// backupMetadata: goes to the host as snapshotMetadata (JSON text) and to blobs as
    /// x-ms-meta-KEY.
    std::string metadata_json;
    std::vector<std::pair<std::string, std::string>> metadata;
    Secret task_token;

    /// blobSASUri: one per disk, OS disk and data disks; guest snapshots only.
    std::vector<HttpTarget> blobs;
};

}  // namespace stillpoint
