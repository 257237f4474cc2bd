// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

namespace stillpoint {

/// The identity of a snapshot on a DirectDrive disk (Ultra, Premium SSD v2).
struct DirectDriveSnapshot {
    std::int64_t creation_time_ms = 0;  // since 1970, UTC
    std::string id;
    Secret token;
    std::optional<int> instant_access_minutes;
};

/// What became of one disk. Partial results are data, not errors.
struct DiskOutcome {
    bool successful = false;
    /// As the service said it: the host answers with a string, blobs with a status.
    std::string snapshot_uri;
    std::string service_message;
    bool service_message_null = false;  // the host said null, which the status repeats
    int status_code = 0;
    std::optional<DirectDriveSnapshot> direct_drive;
    std::optional<Error> error;  // set when not successful, but for a disk that was not tried
};

/// A disk that was not asked for since another one cannot be reached.
DiskOutcome untried_disk();

/// Who took the snapshots, how, and what each disk came to.
struct SnapshotOutcome {
    enum class By { nobody, host, guest };
    By by = By::nobody;
    std::vector<DiskOutcome> disks;
    Instant first_sent{};   // before the first byte of the first request
    Instant last_reply{};   // after the last reply, or when waiting for it ended
    bool answered = false;  // every request was answered
    /// Disks that were asked for and that the host's list does not mention.
    std::size_t disks_unmentioned = 0;
    /// The service's status for the whole request (host), or 555 no reply, 556 server error, 557
    /// empty.
    std::optional<int> host_status;
    /// The failure of the whole request, if there is one.
    std::optional<Error> error;

    bool all_successful() const;
    bool none_successful() const;
};

}  // namespace stillpoint
