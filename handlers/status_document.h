// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "snapshot/report.h"

namespace stillpoint {

/// One disk in a status document.
struct SnapshotInfo {
    bool successful = false;
    /// The host's answers carry text ("true"), the storage service's a boolean.
    bool by_host = false;
    std::optional<std::string> snapshot_uri;
    std::optional<std::string> error_message;
    std::optional<std::string> blob_uri;
    struct DirectDrive {
        std::int64_t creation_time_ms = 0;
        std::string id;
        std::string token;  // the vault needs it; the document is readable by root alone
        std::optional<int> instant_access_minutes;
    };
    std::optional<DirectDrive> direct_drive;
};

/// Everything a status document says, member by member.
struct StatusDocument {
    std::string handler_name;
    std::string handler_version = "1.0";  // of HandlerEnvironment.json
    WallTime time{};
    std::string status = "success";  // inner; the outer one follows from it
    int code = 1;
    RequestEcho request;
    std::string message;
    int consistency = 0;  // 0 none, 1 file system, 2 application, 3 crash
    StorageFacts storage;
    std::vector<TelemetryFact> telemetry;
    std::string machine_id;
    std::optional<std::vector<SnapshotInfo>> snapshots;  // no value: null
    int health_state = 0;
    int health_code = 1;
};

/// More than this the VM agent does not report whole.
inline constexpr std::size_t kStatusLimitBytes = 128 * 1024;

/// The text of SEQ.status. Never longer than kStatusLimitBytes: texts for people are cut before
/// that, telemetry dropped last.
std::string render_status_file(const StatusDocument& document);

/// The text of the status blob, which is also what the status file carries as a string.
std::string render_status_blob(const StatusDocument& document);

/// The disks of `outcome` as a document lists them.
std::vector<SnapshotInfo> list_snapshots(const SnapshotOutcome& outcome);

}  // namespace stillpoint
