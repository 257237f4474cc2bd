// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/linux/look_up.h"
#include "platform/proxy.h"

namespace stillpoint::linux_os {

class HeldRequest;
struct HeldEngine;

/// HeldHttp on Boost.Beast: no thread of its own, everything runs on the caller's thread inside the
/// calls, in parallel. Certificates are always verified, against the one bundle given. Where the
/// rules name a proxy, the request has a tunnel through it, for http as for https; what the proxy
/// does not open is tried directly, once, within the same deadline.
class BeastHeldHttp final : public HeldHttp {
public:
    struct Settings {
        std::string ca_bundle;  // PEM; read when the first https request is prepared
        LookUp look_up = look_up_host;
        std::shared_ptr<ProxyRules> proxies;  // null: none
        /// Told, before the hold only, that a proxy was left for the direct way, and why.
        std::function<void(const std::string&)> warn;
    };

    BeastHeldHttp(const Clock& clock, Settings settings);
    ~BeastHeldHttp() override;

    std::vector<Result<std::unique_ptr<PreparedRequest>>> prepare(std::vector<HttpRequest> requests,
                                                                  Deadline deadline) override;
    std::vector<Result<void>> refresh(const std::vector<PreparedRequest*>& requests,
                                      Deadline deadline) override;
    std::vector<Exchange> send(const std::vector<PreparedRequest*>& requests,
                               Deadline deadline) override;

private:
    void connect(const std::vector<HeldRequest*>& requests, Deadline deadline);
    void open(const std::vector<HeldRequest*>& requests, Deadline deadline);
    Result<void> make_tls_context();
    Result<void> make_tls_context_for(const std::vector<HttpRequest>& requests);

    const Clock& clock_;
    Settings settings_;
    std::shared_ptr<HeldEngine> engine_;
};

}  // namespace stillpoint::linux_os
