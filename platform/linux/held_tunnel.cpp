// SPDX-License-Identifier: Apache-2.0
// The part of a connection's opening that goes on with its proxy.
#include <boost/asio/write.hpp>

#include "platform/linux/held_connection.h"
#include "platform/linux/held_errors.h"

namespace stillpoint::linux_os {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// What a proxy's status number means to whoever has to set it right.
std::string refusal_text(unsigned status, const ProxyServer& proxy) {
    // RFC 9110, 15.5.8, and what tinyproxy 1.11 says of a wrong password.
    const bool wants_login = status == 407 || status == 401;
    std::string text = std::to_string(status) + " ";
    text += std::string(http::obsolete_reason(http::int_to_status(status)));
    if (wants_login) {
        text += proxy.credentials.empty() ? ", it wants a user name and a password"
                                          : ", it does not take the user name and password";
    }
    return text;
}

}  // namespace

std::string HeldConnection::origin() const {
    return "'" + route_->errand->target.shown_host() + "'";
}

std::string HeldConnection::counterpart() const {
    if (!route_->proxy) {
        return origin();
    }
    return tunnelled_ ? origin() + " through " + route_->proxy->shown() : route_->proxy->shown();
}

void HeldConnection::ask_for_tunnel() {
    const std::string_view bytes = route_->tunnel.reveal();
    asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                      [self = shared_from_this()](const ErrorCode&, std::size_t) {
                          // As with the request, the read learns what became of it.
                      });
    tunnel_parser_.emplace();
    tunnel_parser_->header_limit(kMaxHeader);
    tunnel_parser_->skip(true);  // what follows the head of a refusal is of no use
    http::async_read_header(socket_, buffer_, *tunnel_parser_,
                            [self = shared_from_this()](const ErrorCode& ec, std::size_t) {
                                if (self->state_ == State::opening) {
                                    self->tunnel_answered(ec);
                                }
                            });
}

void HeldConnection::tunnel_answered(const ErrorCode& ec) {
    const std::string proxy = counterpart();
    if (ec) {
        finish(reply_error(proxy, ec));
        return;
    }
    const unsigned status = tunnel_parser_->get().result_int();
    if (status / 100 != 2) {
        finish(fail(Code::http_failed, proxy + " makes no tunnel to " + origin() + ": " +
                                           refusal_text(status, *route_->proxy)));
        return;
    }
    // Nobody speaks in a tunnel before we do: RFC 9110, 9.3.6, and both TLS and HTTP.
    if (buffer_.size() > 0) {
        finish(fail(Code::http_failed, proxy + " sent more than its answer"));
        return;
    }
    tunnelled_ = true;
    if (route_->errand->target.tls) {
        shake_hands();
    } else {
        opened();
    }
}

}  // namespace stillpoint::linux_os
