// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "platform/linux/held_connection.h"
#include "platform/linux/look_up.h"

namespace stillpoint::linux_os {

/// A request, the way it goes, and the connection that it will go out on.
class HeldRequest final : public PreparedRequest {
public:
    /// `proxy` may be null.
    HeldRequest(std::shared_ptr<HeldEngine> engine, std::shared_ptr<const HeldErrand> errand,
                std::shared_ptr<const ProxyServer> proxy);
    HeldRequest(const HeldRequest&) = delete;
    HeldRequest& operator=(const HeldRequest&) = delete;
    ~HeldRequest() override;

    const HttpTarget& target() const { return errand_->target; }
    bool goes_through_proxy() const { return proxy_ != nullptr; }
    bool ready() const { return connection_ && connection_->ready(); }
    /// Why it is not ready, with everything that was tried.
    Error error() const;
    const std::shared_ptr<HeldConnection>& connection() const { return connection_; }

    /// The host whose addresses are needed to connect; empty when they are known.
    std::string unknown_host() const;
    void set_addresses(const Result<Addresses>& addresses);
    /// Starts a fresh connection and returns it; null where there are no addresses.
    std::shared_ptr<HeldConnection> reconnect(bool and_exchange);

    /// Gives the proxy up; why is kept. Next comes the direct way, whose addresses are not known.
    void leave_proxy();
    /// Why the proxy was left, as a sentence; empty if it was not.
    const std::string& detour() const { return detour_; }

    bool spent = false;  // handed to send() once

private:
    std::shared_ptr<HeldEngine> engine_;  // first, so that it outlives the connection
    std::shared_ptr<const HeldErrand> errand_;
    std::shared_ptr<const ProxyServer> proxy_;
    std::shared_ptr<const HeldRoute> route_;
    std::optional<Error> no_route_;
    std::string detour_;
    std::shared_ptr<HeldConnection> connection_;
};

}  // namespace stillpoint::linux_os
