// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "handlers/config/agent_config.h"
#include "handlers/config/vmbackup_config.h"
#include "handlers/config/workload_config.h"

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

}  // namespace

/// Administrators write these files, and programs that are not ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    const auto vmbackup = stillpoint::parse_vmbackup_config(text, "FILE");
    expect_sentences(vmbackup.warnings);
    expect(vmbackup.config.timeout.count() > 0);
    expect(std::ranges::find(vmbackup.config.mounts_to_skip, "/") ==
           vmbackup.config.mounts_to_skip.end());

    const auto agent = stillpoint::parse_agent_config(text, "FILE");
    expect_sentences(agent.warnings);
    expect(!agent.config.host.host.empty() && agent.config.host.port > 0);
    expect(agent.config.ca_bundle.empty() || agent.config.ca_bundle.front() == '/');
    const auto limit = stillpoint::hold_limit(agent.config, vmbackup.config);
    expect(limit.count() >= 100 && limit.count() <= 60'000);

    const auto workload = stillpoint::parse_workload_config(text, "FILE");
    expect_sentences(workload.warnings);
    expect(workload.config.active() == workload.config.error.has_value());
    expect(!workload.config.error || workload.config.error->sentence().size() < 400);
    return 0;
}
