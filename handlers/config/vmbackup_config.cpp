// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/vmbackup_config.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stillpoint {
namespace {

constexpr std::string_view kSection = "snapshotthread";

/// Keys that mean something to the agent whose file this is, and why they mean nothing here.
struct UnusedKey {
    std::string_view section;
    std::string_view key;
    std::string_view why;
};
constexpr std::string_view kAlwaysFrozen = "filesystems are always held";
constexpr std::array kUnused = {
    UnusedKey{kSection, "safefreezewaitinseconds", "the hold's own limit says how long to wait"},
    UnusedKey{kSection, "seqsnapshot", "all disks are snapshotted at the same moment"},
    UnusedKey{kSection, "isanysnapshotfailed", "nothing is remembered of earlier failures"},
    UnusedKey{kSection, "loggingoff", "what is logged during a hold is kept in memory until after"},
    UnusedKey{kSection, "async_event_logging", "events are written after the hold"},
    UnusedKey{kSection, "onlylocalfilesystems", "network filesystems are never touched"},
    UnusedKey{kSection, "sudo_off", "no program is run to find the disks"},
    UnusedKey{kSection, "onappfailuredofsfreeze", kAlwaysFrozen},
    UnusedKey{kSection, "onappsuccessdofsfreeze", kAlwaysFrozen},
    UnusedKey{kSection, "fsfreeze", kAlwaysFrozen},
    UnusedKey{"monitor", "run", "no monitor program is started"},
    UnusedKey{"monitor", "strace", "no monitor program is started"},
    UnusedKey{"monitor", "location", "no monitor program is started"},
    UnusedKey{"lsblkuser", "username", "no program is run to find the disks"},
};

constexpr std::array kMethods = {
    std::pair{std::string_view("onlyGuest"), SnapshotMethod::only_guest},
    std::pair{std::string_view("onlyHost"), SnapshotMethod::only_host},
    std::pair{std::string_view("firstGuestThenHost"), SnapshotMethod::first_guest_then_host},
    std::pair{std::string_view("firstHostThenGuest"), SnapshotMethod::first_host_then_guest},
};

void read_timeout(const IniEntry& entry, VmBackupConfig& config, ConfigWarnings& warnings) {
    const std::optional<int> seconds = parse_count(entry.value);
    if (seconds && *seconds > 0) {
        config.timeout = std::chrono::seconds(*seconds);
    } else {
        warnings.add(entry, "it is no whole number of seconds above 0",
                     shown(config.timeout) + " is used");
    }
}

/// Entries are compared as they stand, blanks included: so it has always been, and a blank may be
/// part of a name.
void read_mounts_to_skip(const IniEntry& entry, VmBackupConfig& config, ConfigWarnings& warnings) {
    config.mounts_to_skip.clear();
    for (std::string& mount_point : split_at_commas(entry.value)) {
        if (mount_point.empty()) {
            continue;
        }
        if (mount_point == "/") {
            // To the agent whose file this is, it means to go on logging to files during the hold,
            // and stops it at its own log: root is held there too.
            warnings.add(entry, "'/' cannot be skipped", "it is held as ever");
            continue;
        }
        if (mount_point.front() != '/') {
            warnings.add(entry, "a mount point begins with '/'; blanks after a comma count",
                         "that entry skips nothing");
        }
        config.mounts_to_skip.push_back(std::move(mount_point));
    }
}

void read_method(const IniEntry& entry, VmBackupConfig& config, ConfigWarnings& warnings) {
    const auto found = std::ranges::find_if(
        kMethods, [&](const auto& method) { return same_word(method.first, entry.value); });
    if (found != kMethods.end()) {
        config.snapshot_method = found->second;
    } else if (!entry.value.empty()) {
        warnings.add(entry,
                     "it is none of onlyGuest, onlyHost, firstGuestThenHost, firstHostThenGuest",
                     "what the request says is used");
    }
}

/// A number, any but 0 means yes; words as for every boolean.
void read_disable_logging(const IniEntry& entry, VmBackupConfig& config, ConfigWarnings& warnings) {
    if (const auto number = parse_count(entry.value)) {
        config.disable_logging = *number != 0;
    } else {
        read_bool(entry, config.disable_logging, warnings);
    }
}

bool read_used(const IniEntry& entry, VmBackupConfig& config, ConfigWarnings& warnings) {
    if (entry.section != kSection) {
        return false;
    }
    if (entry.key == "timeout") {
        read_timeout(entry, config, warnings);
    } else if (entry.key == "mountstoskip") {
        read_mounts_to_skip(entry, config, warnings);
    } else if (entry.key == "snapshotmethod") {
        read_method(entry, config, warnings);
    } else if (entry.key == "uploadstatusandlog") {
        read_bool(entry, config.upload_status_and_log, warnings);
    } else if (entry.key == "writelog") {
        read_bool(entry, config.write_log, warnings);
    } else if (entry.key == "disable_logging") {
        read_disable_logging(entry, config, warnings);
    } else {
        return false;
    }
    return true;
}

}  // namespace

ReadConfig<VmBackupConfig> parse_vmbackup_config(std::string_view text, std::string file) {
    const Ini ini = parse_ini(text);
    ReadConfig<VmBackupConfig> read;
    ConfigWarnings warnings(std::move(file));
    warnings.add_faults(ini);
    for (const IniEntry& entry : ini.entries) {
        if (read_used(entry, read.config, warnings)) {
            continue;
        }
        const auto unused = std::ranges::find_if(kUnused, [&](const UnusedKey& known) {
            return known.section == entry.section && known.key == entry.key;
        });
        warnings.add(entry, unused == kUnused.end() ? "this option is not known" : unused->why,
                     "it has no effect");
    }
    read.warnings = warnings.taken();
    return read;
}

}  // namespace stillpoint
