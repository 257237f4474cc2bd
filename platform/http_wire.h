// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "platform/http_client.h"

namespace stillpoint {

/// A header's name: one or more token characters. Source: RFC 9110, 5.1 and 5.6.2.
bool is_header_name(std::string_view name);

/// A header's value: printable ASCII, blanks, tabs and bytes above 127; no control character, so
/// that a value can end neither its line nor the request. Source: RFC 9110, 5.5.
bool is_header_value(std::string_view value);

/// Host header: without the port where it is the scheme's own.
std::string host_header(const HttpTarget& target);

/// "host:443"; an IPv6 address stands in brackets. Source: RFC 3986, 3.2.2.
std::string authority(const std::string& host, int port);

/// What asks a proxy for a tunnel to `target`: CONNECT, with `credentials` ("user:password", or
/// empty for none) as Basic. The host must be one that wire_bytes() takes. Source: RFC 9110, 9.3.6
/// and 11.7.1; RFC 7617.
Secret tunnel_bytes(const HttpTarget& target, const Secret& credentials);

/// The whole request as it goes on the wire, HTTP/1.1: Host, Accept-Encoding: identity,
/// Content-Length (for PUT and POST, or where there is a body), then the given headers in order.
/// Errors: settings_malformed, naming the part that would break out of its place.
Result<Secret> wire_bytes(const HttpRequest& request);

}  // namespace stillpoint
