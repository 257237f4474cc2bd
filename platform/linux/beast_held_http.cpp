// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/beast_held_http.h"

#include <algorithm>
#include <map>

#include <openssl/ssl.h>

#include "platform/http_wire.h"
#include "platform/linux/held_connection.h"
#include "platform/linux/tls_trust.h"

namespace stillpoint::linux_os {
namespace {

namespace asio = boost::asio;
using Connections = std::vector<std::shared_ptr<HeldConnection>>;

/// A request and the connection that it will go out on.
class HeldRequest final : public PreparedRequest {
public:
    HeldRequest(std::shared_ptr<HeldEngine> engine, std::shared_ptr<const HeldRoute> route)
        : engine_(std::move(engine)), route_(std::move(route)) {}
    HeldRequest(const HeldRequest&) = delete;
    HeldRequest& operator=(const HeldRequest&) = delete;
    ~HeldRequest() override {
        if (connection) {
            connection->abort(fail(Code::http_failed, "given up"));
        }
    }

    std::shared_ptr<HeldConnection> reconnect(bool and_exchange) {
        connection = std::make_shared<HeldConnection>(*engine_, route_);
        connection->open(and_exchange);
        return connection;
    }
    const std::string& host() const { return route_->host; }

private:
    std::shared_ptr<HeldEngine> engine_;  // first, so that it outlives the connection
    std::shared_ptr<const HeldRoute> route_;

public:
    std::shared_ptr<HeldConnection> connection;
    bool spent = false;  // handed to send() once
};

// Lets everything happen that can happen without waiting: closed connections show.
void poll(HeldEngine& engine) {
    engine.io.restart();
    (void)engine.io.poll();
}

// Runs the engine until none of the connections is busy. Those still busy at the deadline are ended
// with an error.
void run(HeldEngine& engine, const Connections& connections, Deadline deadline,
         const std::string& late) {
    const auto busy = [](const auto& connection) { return connection->busy(); };
    while (std::ranges::any_of(connections, busy)) {
        const Instant now = engine.clock.now();
        if (deadline.passed(now)) {
            for (const auto& connection : connections) {
                if (connection->busy()) {
                    connection->abort(fail(Code::http_failed, late));
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

std::shared_ptr<HeldRoute> route_to(const HttpRequest& request, const Addresses& addresses,
                                    Secret wire) {
    auto route = std::make_shared<HeldRoute>();
    route->tls = request.target.tls;
    route->host = request.target.host;
    route->wire = std::move(wire);
    for (const std::string& text : addresses) {
        boost::system::error_code ec;
        const asio::ip::address address = asio::ip::make_address(text, ec);
        if (!ec) {
            route->endpoints.emplace_back(address,
                                          static_cast<unsigned short>(request.target.port));
        }
    }
    return route;
}

// Puts the error in the place of a request that has no connection.
void drop_unready(std::vector<Result<std::unique_ptr<PreparedRequest>>>& prepared) {
    for (auto& entry : prepared) {
        const auto* held = entry ? static_cast<const HeldRequest*>(entry->get()) : nullptr;
        if (held != nullptr && !held->connection->ready()) {
            const Error error = held->connection->error();
            entry = error;
        }
    }
}

Exchange not_sent(const Clock& clock, bool late) {
    const Error why = late ? fail(Code::http_failed, "the time was over before it could be sent")
                           : fail(Code::internal, "a prepared request is sent once only");
    return Exchange{Instant{}, clock.now(), false, why};
}

}  // namespace

BeastHeldHttp::BeastHeldHttp(const Clock& clock, Settings settings)
    : clock_(clock), settings_(std::move(settings)), engine_(std::make_shared<HeldEngine>(clock)) {}

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

std::vector<Result<std::unique_ptr<PreparedRequest>>> BeastHeldHttp::prepare(
    std::vector<HttpRequest> requests, Deadline deadline) {
    const Result<void> tls = make_tls_context_for(requests);
    std::vector<std::string> hosts;
    for (const HttpRequest& request : requests) {
        hosts.push_back(request.target.host);
    }
    const auto found = look_up_all(settings_.look_up, hosts, deadline, clock_);

    std::vector<Result<std::unique_ptr<PreparedRequest>>> prepared;
    Connections connections;
    for (HttpRequest& request : requests) {
        const Result<Addresses>& addresses = found.at(request.target.host);
        Result<Secret> wire = wire_bytes(request);
        wipe(request.body);
        if (!wire) {
            prepared.emplace_back(wire.error());
        } else if (request.target.tls && !tls) {
            prepared.emplace_back(tls.error());
        } else if (!addresses) {
            prepared.emplace_back(addresses.error());
        } else {
            auto held = std::make_unique<HeldRequest>(
                engine_, route_to(request, *addresses, std::move(*wire)));
            connections.push_back(held->reconnect(false));
            prepared.emplace_back(std::unique_ptr<PreparedRequest>(std::move(held)));
        }
    }
    run(*engine_, connections, deadline, "the connection was not ready in time");
    drop_unready(prepared);
    return prepared;
}

Result<void> BeastHeldHttp::refresh(PreparedRequest& request, Deadline deadline) {
    auto& held = static_cast<HeldRequest&>(request);
    if (held.spent) {
        return fail(Code::internal, "the request to '" + held.host() + "' was sent already");
    }
    poll(*engine_);
    if (held.connection->ready()) {
        return {};
    }
    run(*engine_, {held.reconnect(false)}, deadline, "the connection was not ready in time");
    if (!held.connection->ready()) {
        return held.connection->error();
    }
    return {};
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
            continue;
        }
        connections.push_back(held.connection);
        if (held.connection->ready()) {
            held.connection->exchange();
        } else {
            // Closed meanwhile and nothing was sent: one fresh connection.
            connections.back() = held.reconnect(true);
        }
    }
    Connections started = connections;
    std::erase(started, nullptr);
    run(*engine_, started, deadline, "no reply in time");

    std::vector<Exchange> exchanges;
    exchanges.reserve(connections.size());
    for (const auto& connection : connections) {
        exchanges.push_back(connection ? connection->take_exchange() : not_sent(clock_, late));
    }
    return exchanges;
}

}  // namespace stillpoint::linux_os
