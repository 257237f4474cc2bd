// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/held_request.h"

#include "platform/http_wire.h"

namespace stillpoint::linux_os {

namespace asio = boost::asio;

HeldRequest::HeldRequest(std::shared_ptr<HeldEngine> engine,
                         std::shared_ptr<const HeldErrand> errand,
                         std::shared_ptr<const ProxyServer> proxy)
    : engine_(std::move(engine)), errand_(std::move(errand)), proxy_(std::move(proxy)) {}

HeldRequest::~HeldRequest() {
    if (connection_) {
        connection_->abort(fail(Code::http_failed, "given up"));
    }
}

Error HeldRequest::error() const {
    const Error last = no_route_     ? *no_route_
                       : connection_ ? connection_->error()
                                     : fail(Code::internal, "nothing was tried");
    if (detour_.empty()) {
        return last;
    }
    return fail(Code::http_failed, detour_ + "; and directly").caused_by(last);
}

std::string HeldRequest::unknown_host() const {
    if (route_) {
        return {};
    }
    return proxy_ ? proxy_->host : errand_->target.host;
}

void HeldRequest::set_addresses(const Result<Addresses>& addresses) {
    if (!addresses) {
        no_route_ = proxy_ ? fail(Code::http_failed, "cannot reach " + proxy_->shown())
                                 .caused_by(addresses.error())
                           : addresses.error();
        return;
    }
    auto route = std::make_shared<HeldRoute>();
    route->errand = errand_;
    route->proxy = proxy_;
    if (proxy_) {
        route->tunnel = tunnel_bytes(errand_->target, proxy_->credentials);
    }
    const int port = proxy_ ? proxy_->port : errand_->target.port;
    for (const std::string& text : *addresses) {
        boost::system::error_code ec;
        const asio::ip::address address = asio::ip::make_address(text, ec);
        if (!ec) {
            route->endpoints.emplace_back(address, static_cast<unsigned short>(port));
        }
    }
    route_ = std::move(route);
    no_route_.reset();
}

std::shared_ptr<HeldConnection> HeldRequest::reconnect(bool and_exchange) {
    if (!route_) {
        return nullptr;
    }
    connection_ = std::make_shared<HeldConnection>(*engine_, route_);
    connection_->open(and_exchange);
    return connection_;
}

void HeldRequest::leave_proxy() {
    detour_ = error().sentence();
    proxy_.reset();
    route_.reset();
    connection_.reset();
}

}  // namespace stillpoint::linux_os
