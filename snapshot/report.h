// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "platform/still_point.h"
#include "snapshot/claim.h"
#include "snapshot/outcome.h"
#include "snapshot/request.h"

namespace stillpoint {

/// What every document about a request repeats from it, known even when the rest cannot be read.
struct RequestEcho {
    std::string task_id;
    std::string command_start_ticks;
    bool classic_vm = false;

    bool operator==(const RequestEcho&) const = default;
};

RequestEcho echo_of(const BackupRequest& request);

/// One fact for telemetry. The names are the wire's.
struct TelemetryFact {
    std::string key;
    std::string value;

    bool operator==(const TelemetryFact&) const = default;
};

/// How full the machine's filesystems are: what the vault bills by.
struct StorageFacts {
    int partitions = 0;
    std::uint64_t used_bytes = 0;
    bool failed = false;  // not all that counts could be read
    // Beside it, for telemetry:
    std::uint64_t temporary_bytes = 0;
    std::uint64_t loop_bytes = 0;
    bool network_mounted = false;
};

/// What one backup came to: plain data, the only input of status documents and events.
struct BackupReport {
    RequestEcho request;
    SnapshotMethod method = SnapshotMethod::first_host_then_guest;
    /// A failed or broken hold was allowed to end in a crash-consistent point.
    bool fallback_allowed = false;
    std::string why_no_fallback;

    /// What ended the run, if anything did: a refused request, a required hook, a failed thaw.
    /// Failures of the hold stand in `evidence.not_held`, those of disks in `snapshots`.
    std::optional<Error> error;
    /// The protected settings could not be opened; the run went on with the public ones.
    std::optional<Error> settings_error;
    /// A hook or database that failed without ending the run.
    std::optional<Error> hook_error;
    /// A hook that failed after the snapshots, and lets no run count as a success.
    std::optional<Error> resume_error;
    bool hooks_ran = false;
    std::string application_name;  // as the hooks call it; empty: unknown

    /// The hold was begun, or would have been: snapshots, if any, are listed.
    bool snapshots_tried = false;
    HoldEvidence evidence;
    SnapshotOutcome snapshots;
    /// Of the way tried first that failed; with its error if not even prepared.
    std::optional<SnapshotOutcome> first_try;
    Claim claim;

    std::optional<int> host_status_before;  // of presnapshot; 555 no reply, 557 empty, 558 broken
    StorageFacts storage;
    Instant begun{};
    Instant ended{};
    /// Facts of machine and agent, in the order they shall be listed.
    std::vector<TelemetryFact> facts;
    bool status_upload_failed = false;
};

/// From the first FIFREEZE that was called to the last FITHAW that returned; no value when nothing
/// was held.
std::optional<std::chrono::nanoseconds> held_for(const HoldEvidence& evidence);

/// From before the first freeze until the last filesystem was frozen.
std::optional<std::chrono::nanoseconds> freezing_took(const HoldEvidence& evidence);

/// From the first FITHAW that was called to the last that returned.
std::optional<std::chrono::nanoseconds> thawing_took(const HoldEvidence& evidence);

}  // namespace stillpoint
