// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "handlers/config/plugin_host_config.h"
#include "handlers/config/script_config.h"

namespace {

void expect(bool right) {
    if (!right) {
        std::abort();
    }
}

void expect_sentences(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
        expect(warning.starts_with("'FILE' line ") && warning.size() < 400);
        expect(std::ranges::all_of(warning,
                                   [](char letter) { return letter >= ' ' && letter <= '~'; }));
    }
}

void expect_call(const stillpoint::ScriptCall& call) {
    // What is handed to a process.
    expect(call.location.find('\0') == std::string::npos);
    for (const std::string& parameter : call.parameters) {
        expect(parameter.find('\0') == std::string::npos);
    }
    expect(call.retries >= 0 && call.retries <= 100);
}

}  // namespace

/// Both files decide what root runs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    if (const auto host = stillpoint::parse_plugin_host_config(text, "FILE")) {
        expect_sentences(host->warnings);
        expect(host->config.timeout.count() > 0 && host->config.timeout.count() <= 1800);
        expect(host->config.script_configs.size() <= 32);
    } else {
        expect(host.error().code() == stillpoint::Code::plugin_host_config_malformed);
        expect(host.error().message().starts_with("'FILE': "));
    }
    if (const auto scripts = stillpoint::parse_script_config(text, "FILE")) {
        expect_sentences(scripts->warnings);
        expect(scripts->config.timeout.count() > 0 && scripts->config.timeout.count() <= 1800);
        expect_call(scripts->config.pre);
        expect_call(scripts->config.post);
    } else {
        expect(scripts.error().code() == stillpoint::Code::script_config_malformed);
        expect(scripts.error().message().starts_with("'FILE': "));
    }
    return 0;
}
