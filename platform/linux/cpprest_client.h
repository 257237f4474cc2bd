// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "platform/http_client.h"

namespace stillpoint::linux_os {

/// HttpClient on cpprestsdk, for everything outside the hold. One connection per request: on a
/// pooled connection that library sends a request again, silently, when the server closes it or the
/// time is over. Here a request goes out at most once; whoever wants a second try makes it.
class CpprestClient final : public HttpClient {
public:
    struct Settings {
        std::string ca_bundle;  // PEM; read with the first https request
        std::size_t max_body = 16 * 1024 * 1024;
    };

    explicit CpprestClient(Settings settings);
    ~CpprestClient() override;

    /// Errors: http_failed; settings_malformed for a request that cannot be written as HTTP.
    Result<HttpReply> send(HttpRequest request, std::chrono::milliseconds timeout) override;

private:
    struct Trust;

    Settings settings_;
    std::unique_ptr<Trust> trust_;
};

}  // namespace stillpoint::linux_os
