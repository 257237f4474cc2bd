// SPDX-License-Identifier: Apache-2.0
#include "handlers/sas_uri.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>

#include "base/format.h"
#include "base/secret.h"

namespace stillpoint {
namespace {

/// What may stand in a request line: no blank, no control character, nothing beyond ASCII.
bool is_visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool take_scheme(std::string_view& rest, std::string_view scheme) {
    if (rest.size() < scheme.size()) {
        return false;
    }
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(rest[i])) != scheme[i]) {
            return false;
        }
    }
    rest.remove_prefix(scheme.size());
    return true;
}

std::optional<int> parse_port(std::string_view text) {
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65'535) {
        return std::nullopt;
    }
    return port;
}

/// Splits "host", "host:port", "[v6]" and "[v6]:port" into `target`.
bool take_authority(std::string_view authority, HttpTarget& target) {
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            return false;
        }
        target.host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
        const bool address = std::ranges::all_of(target.host, [](unsigned char c) {
            return std::isxdigit(c) != 0 || c == ':' || c == '.';
        });
        if (!address) {
            return false;
        }
    } else {
        const std::size_t colon = authority.find(':');
        target.host = authority.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
        const bool name = std::ranges::all_of(target.host, [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
        });
        if (!name) {
            return false;
        }
    }
    if (!port.empty()) {
        const auto number = port.front() == ':' ? parse_port(port.substr(1)) : std::nullopt;
        if (!number) {
            return false;
        }
        target.port = *number;
        target.port_given = true;
    }
    return !target.host.empty();
}

/// Without what stands around it, and without the line breaks and tabs within it, as Python's
/// urlsplit takes it. wipe() the result.
std::string cleaned(std::string_view uri) {
    const auto is_blank = [](char c) { return c >= '\0' && c <= ' '; };
    const auto first = std::ranges::find_if_not(uri, is_blank);
    uri.remove_prefix(static_cast<std::size_t>(first - uri.begin()));
    while (!uri.empty() && is_blank(uri.back())) {
        uri.remove_suffix(1);
    }
    std::string clean;
    clean.reserve(uri.size());
    std::ranges::copy_if(uri, std::back_inserter(clean),
                         [](char c) { return c != '\t' && c != '\r' && c != '\n'; });
    return clean;
}

Result<HttpTarget> parse_clean(std::string_view rest, std::string_view what) {
    HttpTarget target;
    if (take_scheme(rest, "http://")) {
        target.tls = false;
        target.port = 80;
    } else if (!take_scheme(rest, "https://")) {
        return fail(Code::settings_malformed,
                    fmt::format("{}: expected an address that begins with https://", what));
    }
    if (!is_visible(rest)) {
        return fail(Code::settings_malformed,
                    fmt::format("{}: the address holds a character that none may hold", what));
    }
    rest = rest.substr(0, rest.find('#'));
    const std::size_t query = rest.find('?');
    if (query != std::string_view::npos) {
        target.query = Secret(std::string(rest.substr(query + 1)));
        rest = rest.substr(0, query);
    }
    const std::size_t slash = rest.find('/');
    target.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
    if (!take_authority(rest.substr(0, slash), target)) {
        return fail(Code::settings_malformed,
                    fmt::format("{}: the address names no usable host and port", what));
    }
    std::ranges::transform(target.host, target.host.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return target;
}

}  // namespace

Result<HttpTarget> parse_sas_uri(std::string_view uri, std::string_view what) {
    std::string clean = cleaned(uri);
    Result<HttpTarget> target = parse_clean(clean, what);
    wipe(clean);
    return target;
}

}  // namespace stillpoint
