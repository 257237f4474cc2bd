// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "handlers/config/proxy_choice.h"
#include "handlers/config/proxy_url.h"
#include "handlers/config/waagent_config.h"
#include "platform/http_wire.h"
#include "platform/no_proxy.h"

namespace {

void expect(bool right) {
    if (!right) {
        std::abort();
    }
}

void expect_usable(const stillpoint::ProxyServer& proxy) {
    expect(!proxy.host.empty() && proxy.port >= 1 && proxy.port <= 65'535);
    expect(std::ranges::all_of(proxy.host, [](char c) { return c > ' ' && c <= '~'; }));
    // No login can end its line.
    const stillpoint::HttpTarget target{true, "a.test", 443, "/", stillpoint::Secret()};
    const stillpoint::Secret bytes = stillpoint::tunnel_bytes(target, proxy.credentials);
    const std::string_view text = bytes.reveal();
    expect(std::ranges::count(text, '\n') == (proxy.credentials.empty() ? 3 : 4));
    expect(text.ends_with("\r\n\r\n"));
    // Nor is it in what may be shown.
    expect(proxy.shown() == "proxy '" + stillpoint::authority(proxy.host, proxy.port) + "' of X");
}

void expect_sentences(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
        expect(warning.size() < 400 && std::ranges::all_of(warning, [](char letter) {
                   return letter >= ' ' && letter <= '~';
               }));
    }
}

}  // namespace

/// Everything that names a proxy, and the exceptions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    if (const auto proxy = stillpoint::parse_proxy(text, "X")) {
        expect_usable(*proxy);
    }
    const auto waagent = stillpoint::parse_waagent_config(text, "FILE");
    expect_sentences(waagent.warnings);

    const auto ours = stillpoint::parse_agent_config(text);
    expect_sentences(ours.warnings);
    const auto chosen = stillpoint::choose_proxies(
        ours.config,
        {text,
         text,
         {{"https_proxy", {std::string(text), 0}}, {"no_proxy", {std::string(text), 0}}}});
    expect_sentences(chosen.warnings);
    for (const char* host : {"168.63.129.16", "127.0.0.1", "169.254.169.254"}) {
        expect(chosen.config->choose({true, host, 443, "/", stillpoint::Secret()}) == nullptr);
    }
    for (const std::string& entry : stillpoint::split_exceptions(text)) {
        expect(!entry.empty() && entry.find(' ') == std::string::npos);
        if (stillpoint::is_exception(entry) && entry.find_first_of(":/.*") == std::string::npos) {
            expect(stillpoint::is_excepted({entry}, "x." + entry, 443));
        }
    }
    return 0;
}
