// SPDX-License-Identifier: Apache-2.0
#include "platform/http_wire.h"

#include <algorithm>
#include <optional>

#include "base/base64.h"

namespace stillpoint {
namespace {

bool is_token_char(char c) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
}

// What may stand in a request line: everything visible in ASCII. A blank or a line end would start
// another part of the request.
bool is_target_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

Error broken(const HttpRequest& request, const std::string& what) {
    const std::string& host = request.target.host;
    const std::string whom = is_target_text(host) ? " to '" + host + "'" : std::string();
    return fail(Code::settings_malformed,
                "cannot write the request" + whom + ": " + what + " is not what HTTP allows");
}

std::optional<Error> fault_in(const HttpRequest& request) {
    const HttpTarget& target = request.target;
    if (!is_header_name(request.method)) {
        return broken(request, "the method");
    }
    if (target.path.empty() || target.path.front() != '/' || !is_target_text(target.path)) {
        return broken(request, "the path");
    }
    if (!is_target_text(target.query.reveal())) {
        return broken(request, "the query");
    }
    if (target.host.empty() || !is_target_text(target.host)) {
        return broken(request, "the host name");
    }
    for (const auto& [name, value] : request.headers) {
        if (!is_header_name(name)) {
            return broken(request, "the name of a header");
        }
        if (!is_header_value(value)) {
            return broken(request, "the header '" + name + "'");
        }
    }
    return std::nullopt;
}

}  // namespace

bool is_header_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, is_token_char);
}

bool is_header_value(std::string_view value) {
    return std::ranges::all_of(value, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    });
}

std::string host_header(const HttpTarget& target) {
    const bool default_port = target.port == (target.tls ? 443 : 80);
    const std::string whole = target.shown_host();
    return default_port ? whole.substr(0, whole.rfind(':')) : whole;
}

std::string authority(const std::string& host, int port) {
    const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
    return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Secret tunnel_bytes(const HttpTarget& target, const Secret& credentials) {
    const std::string where = target.shown_host();
    std::string encoded = encode_base64(credentials.reveal());
    std::string bytes;
    // Reserved in one piece: a string that grows leaves copies of the secret behind.
    bytes.reserve(96 + 2 * where.size() + encoded.size());
    bytes.append("CONNECT ").append(where).append(" HTTP/1.1\r\nHost: ").append(where);
    if (!encoded.empty()) {
        bytes.append("\r\nProxy-Authorization: Basic ").append(encoded);
    }
    bytes.append("\r\n\r\n");
    wipe(encoded);
    return Secret(std::move(bytes));
}

Result<Secret> wire_bytes(const HttpRequest& request) {
    if (const std::optional<Error> fault = fault_in(request)) {
        return *fault;
    }
    const HttpTarget& target = request.target;
    std::string bytes;
    // Reserved in one piece: a string that grows leaves copies of the secret behind.
    std::size_t size = 128 + request.method.size() + target.host.size() + target.path.size() +
                       target.query.reveal().size() + request.body.size();
    for (const auto& [name, value] : request.headers) {
        size += name.size() + value.size() + 4;
    }
    bytes.reserve(size);
    bytes.append(request.method).append(" ").append(target.path);
    if (!target.query.empty()) {
        bytes.append("?").append(target.query.reveal());
    }
    bytes.append(" HTTP/1.1\r\nHost: ").append(host_header(target));
    bytes.append("\r\nAccept-Encoding: identity\r\n");
    if (!request.body.empty() || request.method == "PUT" || request.method == "POST") {
        bytes.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    }
    for (const auto& [name, value] : request.headers) {
        bytes.append(name).append(": ").append(value).append("\r\n");
    }
    bytes.append("\r\n").append(request.body);
    return Secret(std::move(bytes));
}

}  // namespace stillpoint
