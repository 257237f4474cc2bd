// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // before Asio: Boost 1.74 forgets it in C++20
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "platform/proxy.h"

namespace stillpoint::linux_os {

/// What all connections share. Whoever holds a connection holds this too, and longer.
struct HeldEngine {
    explicit HeldEngine(const Clock& its_clock) : clock(its_clock) {}

    const Clock& clock;
    boost::asio::io_context io{1};
    std::optional<boost::asio::ssl::context> tls;
};

/// What a request is to carry, and to whom.
struct HeldErrand {
    HttpTarget target;  // without its query
    bool head = false;  // the reply has no body, whatever length it announces
    Secret wire;        // the whole request
};

/// The way of one connection, fixed before it is opened.
struct HeldRoute {
    std::shared_ptr<const HeldErrand> errand;
    std::shared_ptr<const ProxyServer> proxy;               // none: directly
    Secret tunnel;                                          // what asks the proxy for its tunnel
    std::vector<boost::asio::ip::tcp::endpoint> endpoints;  // of what is next, tried in order
};

/// One physical connection that carries at most one request: open, which includes the tunnel
/// through a proxy and TLS, then at some later time exchange. From its opening on a read is
/// pending, so that a close by the peer is noticed as soon as the engine runs; the same read
/// receives the first bytes of the reply. Everything happens on the thread that runs the engine.
class HeldConnection : public std::enable_shared_from_this<HeldConnection> {
public:
    HeldConnection(HeldEngine& engine, std::shared_ptr<const HeldRoute> route);

    /// Connects, asks for the tunnel, does TLS, then is ready(); with `and_exchange` goes straight
    /// on to the exchange.
    void open(bool and_exchange);
    /// Sends the request and reads the reply. Only when ready().
    void exchange();
    /// Ends whatever is going on, with this error.
    void abort(const Error& error);
    /// The same, because its time is over.
    void give_up();

    bool busy() const { return state_ == State::opening || state_ == State::exchanging; }
    bool ready() const { return state_ == State::ready; }
    /// Why the connection cannot be used; only when neither busy nor ready.
    const Error& error() const { return *error_; }
    /// What became of the exchange; only when neither busy nor ready.
    Exchange take_exchange();

private:
    enum class State { opening, ready, exchanging, done };
    using ErrorCode = boost::system::error_code;
    using TunnelParser = boost::beast::http::response_parser<boost::beast::http::empty_body>;
    using Parser = boost::beast::http::response_parser<boost::beast::http::string_body>;

    void connect_next();
    void connected(std::size_t attempt, const ErrorCode& ec);
    void ask_for_tunnel();
    void tunnel_answered(const ErrorCode& ec);
    void shake_hands();
    void opened();
    void watch();
    void first_bytes(const ErrorCode& ec, std::size_t count);
    void read_reply();
    void header_read(const ErrorCode& ec);
    void reply_read(const ErrorCode& ec);
    void finish(std::optional<Error> error);
    Error open_error(const std::string& what, const ErrorCode& ec);
    std::string origin() const;
    /// Whoever the connection is with at this step, and the way to it.
    std::string counterpart() const;
    template <class Action>
    void with_stream(Action action);

    HeldEngine& engine_;
    std::shared_ptr<const HeldRoute> route_;
    boost::asio::ip::tcp::socket socket_;
    std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
    boost::asio::steady_timer attempt_limit_;
    std::size_t attempt_ = 0;
    boost::beast::flat_buffer buffer_;
    std::optional<TunnelParser> tunnel_parser_;
    std::optional<Parser> parser_;
    int interim_replies_ = 0;

    State state_ = State::opening;
    bool tunnelled_ = false;
    bool exchange_when_open_ = false;
    bool sent_anything_ = false;
    Instant sent_{};
    Instant replied_{};
    std::optional<Error> error_;
    std::optional<HttpReply> reply_;
};

}  // namespace stillpoint::linux_os
