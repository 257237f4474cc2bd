// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "platform/application_hooks.h"
#include "platform/http_client.h"
#include "platform/still_point.h"
#include "snapshot/host_messages.h"
#include "snapshot/plan.h"
#include "snapshot/report.h"
#include "snapshot/request.h"

namespace stillpoint {

/// Everything a backup acts through.
struct BackupTools {
    StillPoint& still_point;
    HttpClient& http;     // outside the hold
    HeldHttp& held_http;  // inside it
    const Clock& clock;
    Log& log;
    /// Run around everything, never inside a hold. Null: there are none.
    ApplicationHooks* hooks = nullptr;
    /// Called once, when the host has been asked and it is not too late, with what is known so far.
    std::function<void(const BackupReport&)> host_asked = {};
};

/// Where the services are, and how long they may take.
struct BackupServices {
    HostEndpoint host;
    std::chrono::milliseconds presnapshot_limit = std::chrono::seconds(40);
    std::chrono::milliseconds host_reply_wait = std::chrono::seconds(40);
    std::chrono::milliseconds blob_reply_wait = std::chrono::seconds(10);
    std::chrono::milliseconds prepare_limit = std::chrono::seconds(30);
};

/// What the platform said of the disks' encryption before the hold, as it came.
struct EncryptionTold {
    std::optional<HostEncryption> host;
    std::vector<std::string> blobs;  // by blob: its metadata; empty: nothing
};

/// Reads the machine and says what is to be held. Called once before every hold, as late as can be;
/// what must lie inside the snapshot (the passport) is written there. An error ends the backup.
using PlanHold = std::function<Result<GuestPlan>(const EncryptionTold& told)>;

/// One backup: asks the host, holds the guest, has the disks snapshotted while it is held, lets go,
/// and says what the recovery point is worth. The second way of a method, after the first one
/// failed, is a new hold: nothing is ever held while deciding. Never fails: what went wrong is in
/// the report.
///
/// The host is asked first, so that nothing is brought to rest for a command that came too late.
/// Hooks that ran are followed by another call, so that the host's clock and the connections are
/// fresh however long they took. Applications go on after the last hold, whatever came of it.
///
BackupReport run_backup(const BackupRequest& request, const BackupServices& services,
                        const BackupTools& tools, const PlanHold& plan_hold);

/// Why a failed hold may not end in a crash-consistent point; empty: it may. It may when the
/// request allows it and the snapshots are of one moment anyway, since no mounted device stack lies
/// on several of the disks.
std::string why_no_fallback(const BackupRequest& request, const GuestPlan& plan);

}  // namespace stillpoint
