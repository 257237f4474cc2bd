// SPDX-License-Identifier: Apache-2.0
#include "agent/machine_facts.h"

#include <cstdlib>
#include <fstream>

#include <sys/utsname.h>

#include "handlers/telemetry_facts.h"
#include "platform/linux/filesystem_usage.h"
#include "platform/linux/processes.h"

namespace stillpoint {
namespace {

/// The value of KEY in os-release, without its quotes. Source: os-release(5).
std::string os_release(const std::string& text, const std::string& key) {
    std::size_t at = text.starts_with(key + "=") ? 0 : text.find("\n" + key + "=");
    if (at == std::string::npos) {
        return "Unknown";
    }
    at = text.find('=', at) + 1;
    std::string value = text.substr(at, text.find('\n', at) - at);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'')) {
        value = value.substr(1, value.size() - 2);
    }
    return value;
}

std::string os_version() {
    std::ifstream file("/etc/os-release");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return os_release(text, "NAME") + "-" + os_release(text, "VERSION");
}

}  // namespace

std::vector<TelemetryFact> machine_facts(const std::string& extension_version,
                                         const std::string& guest_agent) {
    utsname kernel{};
    (void)::uname(&kernel);
    return {{"platformArchitecture", "64bit"},
            {"guestAgentVersion", guest_agent},
            {"extensionVersion", extension_version},
            {"osVersion", os_version()},
            {"kernelVersion", kernel.release},
            {"workloads", database_names(linux_os::process_names())}};
}

std::string calling_guest_agent() {
    const char* daemon = std::getenv("_AZURE_GUEST_AGENT_DAEMON_VERSION_");
    return guest_agent_version(linux_os::commands_above(), daemon != nullptr ? daemon : "");
}

StorageFacts storage_facts(const StoragePlan& plan, Log& log) {
    for (const std::string& mount_point : plan.unreachable) {
        log.warning("storage", "not counted, the way there may hang", {{"mount", mount_point}});
    }
    return measure_storage(plan,
                           [&](const FilesystemToMeasure& one) -> std::optional<std::uint64_t> {
                               const auto used = linux_os::used_bytes(
                                   {one.mount_point, one.mount_id, one.namespace_pid, one.device});
                               if (!used) {
                                   log.warning("storage", "not counted, it cannot be read",
                                               {{"why", used.error().describe()}});
                                   return std::nullopt;
                               }
                               return *used;
                           });
}

}  // namespace stillpoint
