// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/agent_config.h"

#include <algorithm>

#include "handlers/config/proxy_url.h"
#include "platform/no_proxy.h"

namespace stillpoint {
namespace {

constexpr std::chrono::milliseconds kShortestLimit{100};
constexpr std::chrono::milliseconds kLongestLimit{60'000};
constexpr int kMaxLun = 16'383;  // the largest of a SCSI address
constexpr int kMaxPort = 65'535;

void read_limit(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    const auto limit = parse_duration(entry.value);
    if (limit && *limit >= kShortestLimit && *limit <= kLongestLimit) {
        config.hold_limit = *limit;
    } else {
        warnings.add(entry,
                     std::string("it is no time between ").append(shown(kShortestLimit)) + " and " +
                         shown(kLongestLimit),
                     shown(config.hold_limit) + " is used");
    }
}

/// A guard rail: what is broken makes it narrower, never wider.
void read_only_devices(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    config.only_devices.emplace();
    for (const std::string& text : split_at_commas(entry.value)) {
        if (const auto number = parse_device_number(without_blanks(text))) {
            config.only_devices->push_back(*number);
        } else {
            warnings.add(
                entry, std::string("'").append(printable(text)) + "' is no device number like 8:1",
                "that entry lets nothing be frozen");
        }
    }
    if (config.only_devices->empty()) {
        warnings.add(entry, "it names no device", "nothing may be frozen");
    }
}

std::optional<DiskPlace> parse_place(std::string_view text) {
    if (same_word(text, "local")) {
        return DiskPlace{.local = true};
    }
    if (text == "-1") {
        return DiskPlace{.lun = -1};
    }
    const auto lun = parse_count(text);
    return lun && *lun <= kMaxLun ? std::optional(DiskPlace{.lun = *lun}) : std::nullopt;
}

/// "sda" or "/dev/sda"; no value for what the kernel never calls a device, such as another path.
std::optional<std::string> parse_kernel_name(std::string_view text) {
    constexpr std::string_view kDev = "/dev/";
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_!.";
    constexpr std::size_t kLongest = 32;
    if (text.starts_with(kDev)) {
        text.remove_prefix(kDev.size());
    }
    if (text.empty() || text.size() > kLongest ||
        text.find_first_not_of(kLetters) != std::string_view::npos) {
        return std::nullopt;
    }
    return std::string(text);
}

void read_disk(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    const auto name = parse_kernel_name(entry.key);
    if (!name) {
        warnings.add(entry, "it does not begin with a device's name in the kernel, like sda",
                     "it has no effect");
        return;
    }
    const auto place = parse_place(entry.value);
    if (!place) {
        warnings.add(entry, "it is no LUN, nor -1 for the OS disk, nor 'local'",
                     "what is found out about the disk is used");
        return;
    }
    std::erase_if(config.disks, [&](const DiskMapping& disk) { return disk.name == *name; });
    if (place->lun) {
        const auto other = std::ranges::find_if(
            config.disks, [&](const DiskMapping& disk) { return disk.place.lun == place->lun; });
        if (other != config.disks.end()) {
            warnings.add(entry, "'" + other->name + "' has the same LUN", "both have it");
        }
    }
    config.disks.push_back({.name = *name, .place = *place});
}

/// "http://HOST[:PORT][/]"; the host is a name or an IPv4 address.
std::optional<HttpTarget> parse_endpoint(std::string_view text) {
    constexpr std::string_view kPlain = "http://";
    constexpr std::string_view kTls = "https://";
    constexpr std::string_view kHostLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    const bool tls = text.starts_with(kTls);
    if (!tls && !text.starts_with(kPlain)) {
        return std::nullopt;
    }
    text.remove_prefix(tls ? kTls.size() : kPlain.size());
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    const std::optional<int> port = colon == std::string_view::npos
                                        ? std::optional(tls ? 443 : 80)
                                        : parse_count(text.substr(colon + 1));
    if (host.empty() || host.find_first_not_of(kHostLetters) != std::string_view::npos || !port ||
        *port < 1 || *port > kMaxPort) {
        return std::nullopt;
    }
    return HttpTarget{
        .tls = tls, .host = std::string(host), .port = *port, .path = "", .query = Secret()};
}

void read_endpoint(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    if (auto target = parse_endpoint(entry.value)) {
        config.host = *std::move(target);
    } else {
        warnings.add(entry, "it is no address like http://168.63.129.16:80",
                     config.host.shown() + " is used");
    }
}

void read_ca_bundle(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    if (entry.value.empty() ||
        (entry.value.front() == '/' && entry.value.find('\n') == std::string::npos)) {
        config.ca_bundle = entry.value;
    } else {
        warnings.add(entry, "it is no absolute path",
                     config.ca_bundle.empty()
                         ? "the system's certificates are used"
                         : std::string("'").append(printable(config.ca_bundle)) + "' is used");
    }
}

void read_proxy(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    if (same_word(entry.value, "none")) {
        config.proxies_off = true;
        config.proxy.reset();
        return;
    }
    Result<ProxyServer> proxy = parse_proxy(entry.value, "'" + std::string(kAgentConfig) + "'");
    if (proxy) {
        config.proxies_off = false;
        config.proxy = std::make_shared<const ProxyServer>(std::move(*proxy));
    } else {
        warnings.add_secret(entry.line, "[network] proxy", proxy.error().message(),
                            config.proxy         ? config.proxy->shown() + " is used"
                            : config.proxies_off ? "none is used"
                                                 : "a proxy is looked for elsewhere");
    }
}

void read_no_proxy(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    config.no_proxy = split_exceptions(entry.value);
    for (const std::string& one : *config.no_proxy) {
        if (!is_exception(one)) {
            warnings.add(
                entry, std::string("'").append(printable(one)) + "' is no network like 10.0.0.0/8",
                "that entry excepts nothing");
        }
    }
}

void read_at_boot(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    if (same_word(entry.value, "apply") || same_word(entry.value, "notice")) {
        config.reinstall_at_boot = same_word(entry.value, "apply");
    } else {
        warnings.add(entry, "it is neither 'notice' nor 'apply'",
                     config.reinstall_at_boot ? "'apply' is used" : "'notice' is used");
    }
}

void read_entry(const IniEntry& entry, AgentConfig& config, ConfigWarnings& warnings) {
    const auto is = [&](std::string_view section, std::string_view key) {
        return entry.section == section && entry.key == key;
    };
    if (entry.section == "disks") {
        read_disk(entry, config, warnings);
    } else if (is("hold", "limit")) {
        read_limit(entry, config, warnings);
    } else if (is("hold", "rehearsal")) {
        read_bool(entry, config.rehearsal, warnings);
    } else if (is("hold", "only_devices")) {
        read_only_devices(entry, config, warnings);
    } else if (is("restore", "at_boot")) {
        read_at_boot(entry, config, warnings);
    } else if (is("host", "endpoint")) {
        read_endpoint(entry, config, warnings);
    } else if (is("tls", "ca_bundle")) {
        read_ca_bundle(entry, config, warnings);
    } else if (is("network", "proxy")) {
        read_proxy(entry, config, warnings);
    } else if (is("network", "no_proxy")) {
        read_no_proxy(entry, config, warnings);
    } else if (entry.section == "network") {
        warnings.add_secret(entry.line, "[network] " + printable(entry.key),
                            "this option is not known", "it has no effect");
    } else {
        warnings.add(entry, "this option is not known", "it has no effect");
    }
}

}  // namespace

ReadConfig<AgentConfig> parse_agent_config(std::string_view text, std::string file) {
    const Ini ini = parse_ini(text);
    ReadConfig<AgentConfig> read;
    ConfigWarnings warnings(std::move(file));
    warnings.add_faults(ini);
    for (const IniEntry& entry : ini.entries) {
        read_entry(entry, read.config, warnings);
    }
    read.warnings = warnings.taken();
    return read;
}

std::vector<std::string> split_exceptions(std::string_view text) {
    std::vector<std::string> parts;
    constexpr std::string_view kBetween = ", \t\r\n";
    while (true) {
        const std::size_t first = std::min(text.find_first_not_of(kBetween), text.size());
        text.remove_prefix(first);
        if (text.empty()) {
            return parts;
        }
        const std::size_t end = std::min(text.find_first_of(kBetween), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::chrono::milliseconds hold_limit(const AgentConfig& ours, const VmBackupConfig& vmbackup) {
    return std::min<std::chrono::milliseconds>(ours.hold_limit, vmbackup.timeout);
}

}  // namespace stillpoint
