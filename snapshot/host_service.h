// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "platform/http_client.h"
#include "snapshot/host_messages.h"

namespace stillpoint {

/// The host's snapshot service outside the hold.
class HostService {
public:
    explicit HostService(HttpClient& http, HostEndpoint endpoint = {},
                         std::chrono::milliseconds limit = std::chrono::seconds(40))
        : http_(http), endpoint_(std::move(endpoint)), limit_(limit) {}

    /// One call, never repeated. What failed is in the answer.
    PreSnapshot presnapshot(const BackupRequest& request, bool with_settings);

private:
    HttpClient& http_;
    HostEndpoint endpoint_;
    std::chrono::milliseconds limit_;
};

}  // namespace stillpoint
