// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/held_errors.h"

#include <utility>  // before Asio: Boost 1.74 forgets it in C++20

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>

namespace stillpoint::linux_os {

namespace asio = boost::asio;
namespace http = boost::beast::http;

Error reply_error(const std::string& whose, const boost::system::error_code& ec) {
    const auto about = [&whose](const std::string& what) {
        return fail(Code::http_failed, whose + " " + what);
    };
    if (ec == http::error::partial_message || ec == asio::ssl::error::stream_truncated) {
        return about("cut its reply off");
    }
    if (ec == http::error::end_of_stream || ec == asio::error::eof) {
        return about("closed the connection before its reply");
    }
    if (ec == http::error::body_limit || ec == http::error::buffer_overflow) {
        return about("sent a reply with a body larger than 1 MiB");
    }
    if (ec == http::error::header_limit) {
        return about("sent a reply with headers larger than 32 KiB");
    }
    if (ec.category() == asio::error::get_system_category()) {
        return about("broke the connection before its reply was complete").with_errno(ec.value());
    }
    return about("sent a reply that is not HTTP: " + ec.message());
}

}  // namespace stillpoint::linux_os
