// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/http_client.h"

namespace stillpoint {

/// An HTTP proxy that makes tunnels (CONNECT: RFC 9110, 9.3.6).
struct ProxyServer {
    std::string host;
    int port = 80;
    Secret credentials;  // "user:password"; empty: none
    std::string source;  // who named it: "'/etc/waagent.conf'"

    /// "proxy 'host:port' of '/etc/waagent.conf'": never the credentials.
    std::string shown() const;
};

/// Which requests go through a proxy, and what became of that so far. For one thread.
class ProxyRules {
public:
    struct Settings {
        std::shared_ptr<const ProxyServer> for_tls;    // none: such requests go directly
        std::shared_ptr<const ProxyServer> for_plain;  // the same
        std::vector<std::string> exceptions;           // as in no_proxy, see is_excepted()
        std::vector<std::string> local_hosts;          // never, whatever else is set
    };

    ProxyRules() = default;
    explicit ProxyRules(Settings settings) : settings_(std::move(settings)) {}

    /// The proxy for `target`; null: it is reached directly. Never one for the platform's host
    /// service, a loopback or a link-local address.
    std::shared_ptr<const ProxyServer> choose(const HttpTarget& target) const;

    /// Who is asked for a tunnel to https and to http servers, for the log: "none" or the proxy.
    std::string shown(bool tls) const;

    /// From now on `target` is reached directly: its proxy was of no use, the direct way was.
    /// False if that is known already.
    bool go_direct(const HttpTarget& target);

private:
    Settings settings_;
    std::set<std::string> direct_;  // hosts with their ports
};

}  // namespace stillpoint
