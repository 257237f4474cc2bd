// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "platform/http_client.h"
#include "snapshot/outcome.h"
#include "snapshot/request.h"

namespace stillpoint {

// The bodies of the host's snapshot service, both ways. Pure functions; the bytes are those of the
// recorded requests (tests/golden).

/// Status numbers of our own where HTTP has none to report; part of the published telemetry.
inline constexpr int kNoReply = 555;
inline constexpr int kServerError = 556;
inline constexpr int kEmptyReply = 557;

/// Where the host's snapshot service listens.
struct HostEndpoint {
    std::string host = "168.63.129.16";
    int port = 80;
};

/// What the host knows of the encryption of this machine's disks: JSON texts, passed on as they
/// came. Empty: it did not say.
struct HostEncryption {
    std::string os_disk;
    std::string data_disks;
    std::string settings;

    bool operator==(const HostEncryption&) const = default;
};

/// The host's answer to presnapshot.
struct PreSnapshot {
    int status = kNoReply;              // HTTP's, or one of the numbers above
    std::optional<WallTime> host_time;  // the host's own clock
    std::string bhs_version;
    std::string node_id;
    std::string result;
    std::optional<HostEncryption> encryption;
    /// host_unreachable, host_server_error, host_refused, host_reply_malformed. The last one may
    /// stand beside a good status: the host is there, but something it said was not understood.
    std::optional<Error> error;

    bool ready() const { return status == 200 || status == 201; }
};

/// A call of the service: "presnapshot" or "dosnapshot".
HttpRequest host_request(const HostEndpoint& endpoint, std::string_view call, std::string body);

/// `with_settings`: also asks for the encryption of the disks (the deciding call of
/// firstHostThenGuest, or the encryption is not known yet). The text holds the task's token.
std::string presnapshot_body(const BackupRequest& request, bool with_settings);

/// Errors: settings_malformed, naming the setting whose value is no JSON.
Result<std::string> dosnapshot_body(const BackupRequest& request,
                                    const std::optional<HostEncryption>& encryption);

PreSnapshot read_presnapshot(const Result<HttpReply>& reply);

/// What became of the disks: host_status, disks and error are set. A reply that breaks off in the
/// middle keeps what was understood, and error says what was not. `luns`: the disks
/// that were asked for; empty: all.
SnapshotOutcome read_dosnapshot(const Result<HttpReply>& reply, const std::vector<int>& luns);

}  // namespace stillpoint
