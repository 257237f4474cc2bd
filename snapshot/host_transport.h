// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "platform/http_client.h"
#include "snapshot/host_messages.h"
#include "snapshot/transport.h"

namespace stillpoint {

/// All disks by one dosnapshot call to the host.
class HostTransport final : public SnapshotTransport {
public:
    struct Settings {
        HostEndpoint endpoint;
        std::chrono::milliseconds reply_wait = std::chrono::seconds(40);  // from sending
    };

    HostTransport(HeldHttp& http, const Clock& clock, const BackupRequest& request,
                  std::optional<HostEncryption> encryption, Settings settings);

    /// Errors: host_unreachable, settings_malformed.
    Result<void> prepare(Deadline deadline) override;
    Result<void> refresh(Deadline deadline) override;
    SnapshotOutcome take() override;

private:
    HeldHttp& http_;
    const Clock& clock_;
    const BackupRequest& request_;
    std::optional<HostEncryption> encryption_;
    Settings settings_;
    std::unique_ptr<PreparedRequest> prepared_;
};

}  // namespace stillpoint
