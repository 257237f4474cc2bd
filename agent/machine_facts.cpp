// SPDX-License-Identifier: Apache-2.0
#include "agent/machine_facts.h"

#include <fstream>

#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "platform/linux/guard/open_mount.h"

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

std::vector<TelemetryFact> machine_facts(const std::string& extension_version) {
    utsname kernel{};
    (void)::uname(&kernel);
    return {{"platformArchitecture", "64bit"},
            {"extensionVersion", extension_version},
            {"osVersion", os_version()},
            {"kernelVersion", kernel.release}};
}

StorageFacts storage_facts(const GuestPlan& plan) {
    StorageFacts facts;
    const auto add = [&facts](const std::string& path) {
        struct statvfs usage {};
        ++facts.partitions;
        if (::statvfs(path.c_str(), &usage) != 0) {
            facts.failed = true;
            return;
        }
        facts.used_bytes +=
            static_cast<std::uint64_t>(usage.f_blocks - usage.f_bfree) * usage.f_frsize;
    };
    for (const FilesystemToHold& one : plan.hold.filesystems) {
        add(linux_os::path_in_namespace(one.mount_point, one.namespace_pid));
    }
    for (const FilesystemToWatch& one : plan.hold.watched) {
        add(linux_os::path_in_namespace(one.mount_point, one.namespace_pid));
    }
    return facts;
}

}  // namespace stillpoint
