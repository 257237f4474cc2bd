// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/beast_held_http.h"

#include <algorithm>
#include <map>

#include <openssl/ssl.h>

#include "platform/http_wire.h"
#include "platform/linux/held_request.h"
#include "platform/linux/tls_trust.h"

namespace stillpoint::linux_os {
namespace {

namespace asio = boost::asio;
using Connections = std::vector<std::shared_ptr<HeldConnection>>;
using Requests = std::vector<HeldRequest*>;

// A proxy that does not answer must leave time for the direct way.
constexpr std::chrono::seconds kProxyLimit{10};

// Lets everything happen that can happen without waiting: closed connections show.
void poll(HeldEngine& engine) {
    engine.io.restart();
    (void)engine.io.poll();
}

// Runs the engine until none of the connections is busy. Those still busy at the deadline are ended
// with an error.
void run(HeldEngine& engine, const Connections& connections, Deadline deadline) {
    const auto busy = [](const auto& connection) { return connection->busy(); };
    while (std::ranges::any_of(connections, busy)) {
        const Instant now = engine.clock.now();
        if (deadline.passed(now)) {
            for (const auto& connection : connections) {
                if (connection->busy()) {
                    connection->give_up();
                }
            }
            break;
        }
        engine.io.restart();
        // In slices, so that an endless deadline does not overflow the timer, and a step of the
        // two clocks against each other (suspend) is noticed.
        (void)engine.io.run_one_for(
            std::min<std::chrono::nanoseconds>(deadline.at() - now, std::chrono::seconds(1)));
    }
    poll(engine);
}

std::shared_ptr<const HeldErrand> errand_of(const HttpRequest& request, Secret wire) {
    auto errand = std::make_shared<HeldErrand>();
    errand->target = request.target.duplicate();
    errand->target.query = Secret();
    errand->head = request.method == "HEAD";
    errand->wire = std::move(wire);
    return errand;
}

Requests unready(const Requests& requests, bool through_proxy) {
    Requests some;
    std::ranges::copy_if(requests, std::back_inserter(some), [&](const HeldRequest* request) {
        return !request->ready() && request->goes_through_proxy() == through_proxy;
    });
    return some;
}

Exchange not_sent(const Clock& clock, bool late) {
    const Error why = late ? fail(Code::http_failed, "the time was over before it could be sent")
                           : fail(Code::internal, "a prepared request is sent once only");
    return Exchange{Instant{}, clock.now(), false, why};
}

}  // namespace

BeastHeldHttp::BeastHeldHttp(const Clock& clock, Settings settings)
    : clock_(clock), settings_(std::move(settings)), engine_(std::make_shared<HeldEngine>(clock)) {
    if (!settings_.proxies) {
        settings_.proxies = std::make_shared<ProxyRules>();
    }
}

BeastHeldHttp::~BeastHeldHttp() = default;

Result<void> BeastHeldHttp::make_tls_context() {
    if (engine_->tls) {
        return {};
    }
    const Result<TlsTrust> trust = load_tls_trust(settings_.ca_bundle);
    if (!trust) {
        return fail(Code::http_failed, "TLS is not possible").caused_by(trust.error());
    }
    asio::ssl::context tls(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    SSL_CTX_set1_cert_store(tls.native_handle(), trust->get());
    tls.set_verify_mode(asio::ssl::verify_peer);
    engine_->tls.emplace(std::move(tls));
    return {};
}

Result<void> BeastHeldHttp::make_tls_context_for(const std::vector<HttpRequest>& requests) {
    const bool needed = std::ranges::any_of(
        requests, [](const HttpRequest& request) { return request.target.tls; });
    return needed ? make_tls_context() : Result<void>();
}

// One parallel attempt of all, each on the way that it goes now.
void BeastHeldHttp::connect(const std::vector<HeldRequest*>& requests, Deadline deadline) {
    std::vector<std::string> hosts;
    for (const HeldRequest* request : requests) {
        hosts.push_back(request->unknown_host());
    }
    std::erase(hosts, std::string());
    const auto found = look_up_all(settings_.look_up, hosts, deadline, clock_);
    Connections connections;
    for (HeldRequest* request : requests) {
        if (const auto addresses = found.find(request->unknown_host()); addresses != found.end()) {
            request->set_addresses(addresses->second);
        }
        if (auto connection = request->reconnect(false)) {
            connections.push_back(std::move(connection));
        }
    }
    run(*engine_, connections, deadline);
}

// Makes all of them ready that can be: first through the proxy those that have one, then directly
// what is left. No byte of a request has been sent by then, so the second way repeats nothing.
void BeastHeldHttp::open(const std::vector<HeldRequest*>& requests, Deadline deadline) {
    const Requests proxied = unready(requests, true);
    if (!proxied.empty()) {
        const Instant now = clock_.now();
        const Instant share = std::min<Instant>((deadline.at() - now) / 2, kProxyLimit);
        connect(proxied, Deadline(now + share));
        for (HeldRequest* request : unready(proxied, true)) {
            request->leave_proxy();
        }
    }
    const Requests direct = unready(requests, false);
    if (!direct.empty()) {
        connect(direct, deadline);
    }
    for (const HeldRequest* request : direct) {
        if (request->ready() && !request->detour().empty() &&
            settings_.proxies->go_direct(request->target()) && settings_.warn) {
            settings_.warn(request->detour());
        }
    }
}

std::vector<Result<std::unique_ptr<PreparedRequest>>> BeastHeldHttp::prepare(
    std::vector<HttpRequest> requests, Deadline deadline) {
    const Result<void> tls = make_tls_context_for(requests);
    std::vector<Result<std::unique_ptr<PreparedRequest>>> prepared;
    Requests held;
    for (HttpRequest& request : requests) {
        Result<Secret> wire = wire_bytes(request);
        wipe(request.body);
        if (!wire) {
            prepared.emplace_back(wire.error());
        } else if (request.target.tls && !tls) {
            prepared.emplace_back(tls.error());
        } else {
            auto one = std::make_unique<HeldRequest>(engine_, errand_of(request, std::move(*wire)),
                                                     settings_.proxies->choose(request.target));
            held.push_back(one.get());
            prepared.emplace_back(std::unique_ptr<PreparedRequest>(std::move(one)));
        }
    }
    open(held, deadline);
    for (auto& entry : prepared) {
        const auto* one = entry ? static_cast<const HeldRequest*>(entry->get()) : nullptr;
        if (one != nullptr && !one->ready()) {
            const Error error = one->error();
            entry = error;
        }
    }
    return prepared;
}

std::vector<Result<void>> BeastHeldHttp::refresh(const std::vector<PreparedRequest*>& requests,
                                                 Deadline deadline) {
    poll(*engine_);
    Requests closed;
    for (PreparedRequest* request : requests) {
        auto* held = static_cast<HeldRequest*>(request);
        if (!held->spent && !held->ready()) {
            closed.push_back(held);
        }
    }
    open(closed, deadline);
    std::vector<Result<void>> results;
    for (const PreparedRequest* request : requests) {
        const auto& held = static_cast<const HeldRequest&>(*request);
        if (held.spent) {
            results.emplace_back(fail(
                Code::internal, "the request to '" + held.target().host + "' was sent already"));
        } else {
            results.push_back(held.ready() ? Result<void>() : held.error());
        }
    }
    return results;
}

std::vector<Exchange> BeastHeldHttp::send(const std::vector<PreparedRequest*>& requests,
                                          Deadline deadline) {
    Connections connections;
    connections.reserve(requests.size());
    poll(*engine_);
    const bool late = deadline.passed(clock_.now());
    for (PreparedRequest* request : requests) {
        auto& held = static_cast<HeldRequest&>(*request);
        if (late || std::exchange(held.spent, true)) {
            connections.push_back(nullptr);
        } else if (held.ready()) {
            connections.push_back(held.connection());
            held.connection()->exchange();
        } else {
            // Closed meanwhile and nothing was sent: one fresh connection, on the same way.
            connections.push_back(held.reconnect(true));
        }
    }
    Connections started = connections;
    std::erase(started, nullptr);
    run(*engine_, started, deadline);

    std::vector<Exchange> exchanges;
    exchanges.reserve(connections.size());
    for (const auto& connection : connections) {
        exchanges.push_back(connection ? connection->take_exchange() : not_sent(clock_, late));
    }
    return exchanges;
}

}  // namespace stillpoint::linux_os
