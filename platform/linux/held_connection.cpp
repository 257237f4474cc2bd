// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/held_connection.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "platform/linux/held_errors.h"

namespace stillpoint::linux_os {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::size_t kMaxBody = 1024 * 1024;
constexpr std::size_t kFirstRead = 4096;
constexpr int kMaxInterimReplies = 8;
// An address that does not answer must not use up the time of those behind it.
constexpr std::chrono::seconds kAttemptLimit{2};

// What the macro SSL_set_tlsext_host_name does, without its C cast.
bool ask_for_name(SSL* ssl, const std::string& host) {
    std::string name = host;
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

HttpReply to_reply(http::response<http::string_body>&& message) {
    HttpReply reply;
    reply.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
        reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    reply.body = std::move(message.body());
    return reply;
}

}  // namespace

HeldConnection::HeldConnection(HeldEngine& engine, std::shared_ptr<const HeldRoute> route)
    : engine_(engine),
      route_(std::move(route)),
      socket_(engine.io),
      attempt_limit_(engine.io),
      buffer_(kMaxBody + kMaxHeader) {
    buffer_.reserve(kFirstRead);
}

template <class Action>
void HeldConnection::with_stream(Action action) {
    if (tls_) {
        action(*tls_);
    } else {
        action(socket_);
    }
}

void HeldConnection::open(bool and_exchange) {
    exchange_when_open_ = and_exchange;
    error_ = fail(Code::http_failed, counterpart() + " has no address");
    connect_next();
}

void HeldConnection::connect_next() {
    if (attempt_ >= route_->endpoints.size()) {
        finish(std::move(error_));
        return;
    }
    const std::size_t attempt = attempt_;
    boost::system::error_code ignored;
    (void)socket_.close(ignored);
    if (attempt + 1 < route_->endpoints.size()) {
        attempt_limit_.expires_after(kAttemptLimit);
        attempt_limit_.async_wait([self = shared_from_this(), attempt](const ErrorCode& ec) {
            if (!ec && self->attempt_ == attempt && self->state_ == State::opening) {
                boost::system::error_code quiet;
                (void)self->socket_.close(quiet);
            }
        });
    }
    socket_.async_connect(route_->endpoints[attempt],
                          [self = shared_from_this(), attempt](const ErrorCode& ec) {
                              self->connected(attempt, ec);
                          });
}

void HeldConnection::connected(std::size_t attempt, const ErrorCode& ec) {
    if (state_ != State::opening || attempt != attempt_) {
        return;
    }
    ++attempt_;  // the attempt's timer finds that it is over
    (void)attempt_limit_.cancel();
    // A socket that is no longer open was closed by the attempt's timer, after it had connected.
    if (ec || !socket_.is_open()) {
        error_ = open_error("cannot connect to", ec ? ec : ErrorCode(asio::error::timed_out));
        connect_next();
        return;
    }
    boost::system::error_code ignored;
    (void)socket_.set_option(tcp::no_delay(true), ignored);
    if (route_->proxy) {
        ask_for_tunnel();
    } else if (route_->errand->target.tls) {
        shake_hands();
    } else {
        opened();
    }
}

void HeldConnection::shake_hands() {
    const std::string& host = route_->errand->target.host;
    tls_.emplace(socket_, *engine_.tls);
    SSL* ssl = tls_->native_handle();
    ErrorCode not_an_address;
    (void)asio::ip::make_address(host, not_an_address);
    bool named = false;
    if (not_an_address) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        named = SSL_set1_host(ssl, host.c_str()) == 1 && ask_for_name(ssl, host);
    } else {
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    if (!named) {
        finish(fail(Code::http_failed, counterpart() + " cannot be named in TLS"));
        return;
    }
    tls_->async_handshake(asio::ssl::stream_base::client,
                          [self = shared_from_this()](const ErrorCode& ec) {
                              if (self->state_ != State::opening) {
                                  return;
                              }
                              if (ec) {
                                  self->finish(self->open_error("no TLS with", ec));
                              } else {
                                  self->opened();
                              }
                          });
}

Error HeldConnection::open_error(const std::string& what, const ErrorCode& ec) {
    const Error error = fail(Code::http_failed, what + " " + counterpart());
    if (tls_) {
        const long verdict = SSL_get_verify_result(tls_->native_handle());
        if (verdict != X509_V_OK) {
            return error.caused_by(
                fail(Code::http_failed, std::string("its certificate is not trusted: ") +
                                            X509_verify_cert_error_string(verdict)));
        }
    }
    if (ec.category() == asio::error::get_system_category()) {
        return error.with_errno(ec.value());
    }
    return error.caused_by(fail(Code::http_failed, ec.message()));
}

void HeldConnection::opened() {
    state_ = State::ready;
    error_.reset();
    watch();
    if (exchange_when_open_) {
        exchange();
    }
}

void HeldConnection::watch() {
    with_stream([this](auto& stream) {
        stream.async_read_some(buffer_.prepare(kFirstRead),
                               [self = shared_from_this()](const ErrorCode& ec, std::size_t count) {
                                   self->first_bytes(ec, count);
                               });
    });
}

void HeldConnection::exchange() {
    state_ = State::exchanging;
    // From here on the server may have got the request, whatever the calls below say.
    sent_anything_ = true;
    sent_ = engine_.clock.now();
    with_stream([this](auto& stream) {
        const std::string_view wire = route_->errand->wire.reveal();
        asio::async_write(stream, asio::buffer(wire.data(), wire.size()),
                          [self = shared_from_this()](const ErrorCode&, std::size_t) {
                              // A failed write is not the end: a server may answer before it has
                              // read everything. The pending read learns what became of it.
                          });
    });
}

void HeldConnection::first_bytes(const ErrorCode& ec, std::size_t count) {
    if (state_ == State::done) {
        return;
    }
    if (state_ != State::exchanging) {
        // Bytes without a request are a server's farewell (408 Request Timeout): as good as closed.
        finish(fail(Code::http_failed, counterpart() + " closed the idle connection"));
        return;
    }
    if (ec) {
        finish(ec == asio::ssl::error::stream_truncated
                   ? reply_error(counterpart(), asio::error::eof)
                   : reply_error(counterpart(), ec));
        return;
    }
    buffer_.commit(count);
    read_reply();
}

void HeldConnection::read_reply() {
    parser_.emplace();
    parser_->body_limit(kMaxBody);
    parser_->header_limit(kMaxHeader);
    parser_->skip(route_->errand->head);
    with_stream([this](auto& stream) {
        http::async_read_header(stream, buffer_, *parser_,
                                [self = shared_from_this()](const ErrorCode& ec, std::size_t) {
                                    self->header_read(ec);
                                });
    });
}

void HeldConnection::header_read(const ErrorCode& ec) {
    // The limit of Boost 1.74's parser does not hold for an announced length (seen: 1.1 MB passed).
    if (ec || parser_->is_done() || parser_->content_length().value_or(0) > kMaxBody) {
        reply_read(ec || parser_->is_done() ? ec : http::make_error_code(http::error::body_limit));
        return;
    }
    with_stream([this](auto& stream) {
        http::async_read(stream, buffer_, *parser_,
                         [self = shared_from_this()](const ErrorCode& code, std::size_t) {
                             self->reply_read(code);
                         });
    });
}

void HeldConnection::reply_read(const ErrorCode& ec) {
    if (state_ != State::exchanging) {
        return;
    }
    if (ec) {
        finish(reply_error(counterpart(), ec));
        return;
    }
    // 100 Continue and its like announce a reply, they are none: RFC 9110, 15.2.
    if (parser_->get().result_int() / 100 == 1 && parser_->get().result_int() != 101) {
        if (++interim_replies_ > kMaxInterimReplies) {
            finish(fail(Code::http_failed, counterpart() + " sends interim replies only"));
            return;
        }
        read_reply();
        return;
    }
    reply_ = to_reply(parser_->release());
    finish(std::nullopt);
}

void HeldConnection::abort(const Error& error) {
    if (state_ != State::done) {
        finish(error);
    }
}

void HeldConnection::give_up() {
    abort(state_ == State::opening
              ? fail(Code::http_failed,
                     "the connection was not ready in time: waiting for " + counterpart())
              : fail(Code::http_failed, "no reply in time from " + counterpart()));
}

void HeldConnection::finish(std::optional<Error> error) {
    replied_ = engine_.clock.now();
    state_ = State::done;
    error_ = std::move(error);
    (void)attempt_limit_.cancel();
    // What is pending ends with operation_aborted and finds the state done.
    boost::system::error_code ignored;
    (void)socket_.close(ignored);
}

Exchange HeldConnection::take_exchange() {
    if (reply_) {
        return Exchange{sent_, replied_, sent_anything_, std::move(*reply_)};
    }
    return Exchange{sent_, replied_, sent_anything_, *error_};
}

}  // namespace stillpoint::linux_os
