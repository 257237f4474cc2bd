// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "platform/proxy.h"

namespace stillpoint {

/// HttpClient that goes through a proxy where the rules name one, and elsewhere hands the request
/// to the client for direct ones. The way through a proxy is that of prepared requests, so that a
/// proxy is one thing inside the hold and outside (docs/adr/0007-proxies.md).
class ProxyClient final : public HttpClient {
public:
    /// `tunnels` knows the same rules.
    ProxyClient(HttpClient& direct, HeldHttp& tunnels, const Clock& clock,
                std::shared_ptr<const ProxyRules> rules)
        : direct_(direct), tunnels_(tunnels), clock_(clock), rules_(std::move(rules)) {}

    Result<HttpReply> send(HttpRequest request, std::chrono::milliseconds timeout) override;

private:
    HttpClient& direct_;
    HeldHttp& tunnels_;
    const Clock& clock_;
    std::shared_ptr<const ProxyRules> rules_;
};

}  // namespace stillpoint
