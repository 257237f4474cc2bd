// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/waagent_config.h"

#include "handlers/config/proxy_url.h"

namespace stillpoint {
namespace {

constexpr std::string_view kHost = "HttpProxy.Host";
constexpr std::string_view kPort = "HttpProxy.Port";
constexpr int kMaxPort = 65'535;

struct Entry {
    std::string value;  // empty: none
    int line = 0;
};

std::string value_of(std::string_view text) {
    text = text.substr(0, text.find('#'));
    constexpr std::string_view kAround = "\" \t\r";
    const std::size_t first = text.find_first_not_of(kAround);
    if (first == std::string_view::npos) {
        return {};
    }
    text = text.substr(first, text.find_last_not_of(kAround) - first + 1);
    return text == "None" ? std::string() : std::string(text);
}

}  // namespace

ReadConfig<WaagentConfig> parse_waagent_config(std::string_view text, std::string file) {
    Entry host;
    Entry port;
    for (int line = 1; !text.empty(); ++line) {
        const std::size_t end = text.find('\n');
        const std::string_view content = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t sign = content.find('=');
        if (content.starts_with('#') || sign == std::string_view::npos) {
            continue;
        }
        const std::string_view key = without_blanks(content.substr(0, sign));
        if (key == kHost) {
            host = {value_of(content.substr(sign + 1)), line};
        } else if (key == kPort) {
            port = {value_of(content.substr(sign + 1)), line};
        }
    }
    ReadConfig<WaagentConfig> read;
    ConfigWarnings warnings(file);
    if (host.value.empty()) {
        return read;
    }
    Result<ProxyServer> proxy = parse_proxy(host.value, "'" + file + "'");
    if (!proxy) {
        warnings.add_secret(host.line, kHost, proxy.error().message(), "that proxy is not used");
        read.warnings = warnings.taken();
        return read;
    }
    if (!port.value.empty()) {
        const auto number = parse_count(port.value);
        if (number && *number >= 1 && *number <= kMaxPort) {
            proxy->port = *number;
        } else {
            warnings.add_secret(port.line, kPort, "it is no port",
                                std::to_string(proxy->port) + " is used");
        }
    }
    read.config.proxy = std::make_shared<const ProxyServer>(std::move(*proxy));
    read.warnings = warnings.taken();
    return read;
}

}  // namespace stillpoint
