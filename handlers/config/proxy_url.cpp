// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/proxy_url.h"

#include <algorithm>
#include <optional>

#include "handlers/config/ini.h"
#include "handlers/config/reading.h"

namespace stillpoint {
namespace {

constexpr int kMaxPort = 65'535;
constexpr std::size_t kLongestHost = 253;  // RFC 1035, 2.3.4, as text

std::optional<int> hex_digit(char c) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::size_t at =
        kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<int>(at));
}

/// No value for a broken escape or a control character (RFC 7617, 2 forbids the latter).
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
            const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
            if (!low) {
                wipe(out);
                return std::nullopt;
            }
            c = static_cast<char>(*high * 16 + *low);
            i += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            wipe(out);
            return std::nullopt;
        }
        out += c;
    }
    return out;
}

Error broken(const char* why) {
    return fail(Code::settings_malformed, why);
}

/// "user:password", both decoded.
Result<Secret> parse_login(std::string_view text) {
    const std::size_t colon = text.find(':');
    auto user = percent_decoded(text.substr(0, colon));
    auto password = percent_decoded(colon == std::string_view::npos ? std::string_view()
                                                                    : text.substr(colon + 1));
    Result<Secret> login = broken("its user name or password is not percent-encoded as in a URL");
    if (user && password && user->find(':') == std::string::npos) {
        std::string both;
        both.reserve(user->size() + 1 + password->size());
        both.append(*user).append(":").append(*password);
        login = Secret(std::move(both));
    }
    if (user) {
        wipe(*user);
    }
    if (password) {
        wipe(*password);
    }
    return login;
}

bool consists_of(std::string_view text, std::string_view letters) {
    return !text.empty() && text.size() <= kLongestHost &&
           lower_case(text).find_first_not_of(letters) == std::string::npos;
}

/// "host", "host:port", "[v6]", "[v6]:port" into `proxy`.
bool take_authority(std::string_view text, ProxyServer& proxy) {
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos ||
            !consists_of(text.substr(1, close - 1), "0123456789abcdef:.")) {
            return false;
        }
        proxy.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        if (!consists_of(text.substr(0, colon), "abcdefghijklmnopqrstuvwxyz0123456789-._")) {
            return false;
        }
        proxy.host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (port.empty()) {
        return true;
    }
    const auto number = port.front() == ':' ? parse_count(port.substr(1)) : std::nullopt;
    if (!number || *number < 1 || *number > kMaxPort) {
        return false;
    }
    proxy.port = *number;
    return true;
}

}  // namespace

Result<ProxyServer> parse_proxy(std::string_view text, std::string source) {
    ProxyServer proxy;
    proxy.source = std::move(source);
    std::string_view rest = without_blanks(text);
    bool over_tls = false;
    if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
        over_tls = same_word(rest.substr(0, scheme), "https");
        if (!over_tls && !same_word(rest.substr(0, scheme), "http")) {
            return broken("only proxies that begin with http:// can be used");
        }
        rest.remove_prefix(scheme + 3);
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        Result<Secret> login = parse_login(rest.substr(0, at));
        if (!login) {
            return login.error();
        }
        if (over_tls && at > 0) {
            return broken(
                "a password cannot be sent to a proxy over TLS, nor in the clear instead");
        }
        if (at > 0) {
            proxy.credentials = std::move(*login);
        }
        rest.remove_prefix(at + 1);
    }
    if (!take_authority(rest, proxy)) {
        return broken("it is no proxy like http://host:port");
    }
    return proxy;
}

}  // namespace stillpoint
