// SPDX-License-Identifier: Apache-2.0
#include "platform/proxy.h"

#include <algorithm>

#include "platform/http_wire.h"
#include "platform/no_proxy.h"

namespace stillpoint {

std::string ProxyServer::shown() const {
    return "proxy '" + authority(host, port) + "' of " + source;
}

std::shared_ptr<const ProxyServer> ProxyRules::choose(const HttpTarget& target) const {
    const std::shared_ptr<const ProxyServer>& proxy =
        target.tls ? settings_.for_tls : settings_.for_plain;
    const bool near =
        is_near(target.host) ||
        std::ranges::find(settings_.local_hosts, target.host) != settings_.local_hosts.end();
    if (!proxy || near || direct_.contains(target.shown_host()) ||
        is_excepted(settings_.exceptions, target.host, target.port)) {
        return nullptr;
    }
    return proxy;
}

std::string ProxyRules::shown(bool tls) const {
    const std::shared_ptr<const ProxyServer>& proxy = tls ? settings_.for_tls : settings_.for_plain;
    return proxy ? proxy->shown() : "none";
}

bool ProxyRules::go_direct(const HttpTarget& target) {
    return direct_.insert(target.shown_host()).second;
}

}  // namespace stillpoint
