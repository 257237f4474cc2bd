// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/workload_config.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/result.h"

namespace stillpoint {
namespace {

constexpr std::array<std::string_view, 4> kDatabases = {"oracle", "mysql", "mariadb", "postgres"};

/// What the extension before us reads of section [workload]. Source:
/// https://github.com/Azure/azure-linux-extensions, VMBackup/main/workloadPatch/WorkloadPatch.py.
constexpr std::array<std::string_view, 13> kKeys = {
    "workload_name",       "command_path",       "command",  "credstring", "role",
    "enforceslaveonly",    "ipc_folder",         "timeout",  "linux_user", "dbnames",
    "customscriptenabled", "configuration_path", "auth_type"};

template <std::size_t size>
bool among(const std::array<std::string_view, size>& all, std::string_view one) {
    return std::ranges::find(all, one) != all.end();
}

class WorkloadReader {
public:
    explicit WorkloadReader(std::string_view text, std::string file)
        : ini_(parse_ini(text)), file_(std::move(file)) {}

    ReadConfig<WorkloadConfig> run() {
        ConfigWarnings faults(file_);
        faults.add_faults(ini_);
        warnings_ = faults.taken();
        for (const IniEntry& entry : ini_.entries) {
            look_at(entry);
        }
        ReadConfig<WorkloadConfig> read;
        const std::string_view name = value_of("workload_name");
        if (among(kDatabases, name)) {
            read.config.name = name;
            read.config.error = why_not(read.config.name);
        }
        read.warnings = std::move(warnings_);
        return read;
    }

private:
    void look_at(const IniEntry& entry) {
        const bool workload = entry.section == "workload";
        if (entry.section == "logbackup") {
            if (!log_backup_named_) {
                warn(entry, "logs of databases are not backed up; the section has no effect");
            }
            log_backup_named_ = true;
        } else if (!workload || !among(kKeys, entry.key)) {
            warn(entry, "this option is not known; it has no effect");
        } else if (entry.key == "workload_name" && !entry.value.empty() &&
                   !among(kDatabases, entry.value)) {
            warn(entry,
                 "it is none of oracle, mysql, mariadb, postgres; no database is brought to rest");
        }
    }

    void warn(const IniEntry& entry, std::string_view what) {
        warnings_.push_back("'" + file_ + "' line " + std::to_string(entry.line) + ", [" +
                            printable(entry.section) + "] " + printable(entry.key) + ": " +
                            std::string(what));
    }

    /// Of equal keys the last one rules.
    std::string_view value_of(std::string_view key) const {
        std::string_view value;
        for (const IniEntry& entry : ini_.entries) {
            if (entry.section == "workload" && entry.key == key) {
                value = entry.value;
            }
        }
        return value;
    }

    Error why_not(const std::string& name) const {
        const std::string whose = "the database '" + name + "' of '" + file_ + "' ";
        const std::string_view role = value_of("role");
        if (!ini_.faults.empty()) {
            return fail(Code::workload_config_malformed,
                        whose + "is not brought to rest: line " +
                            std::to_string(ini_.faults.front().line) + ": " +
                            ini_.faults.front().why);
        }
        if (value_of("credstring").empty() && value_of("linux_user").empty()) {
            return fail(Code::workload_authorization_missing,
                        whose + "is not brought to rest: neither credString nor linux_user is set");
        }
        const bool master = role.empty() || role == "master";
        if (!master && role != "slave") {
            return fail(Code::workload_role_invalid,
                        whose + "is not brought to rest: its role is neither master nor slave");
        }
        if (master && parse_bool(value_of("enforceslaveonly")).value_or(false)) {
            return fail(Code::workload_role_invalid,
                        whose +
                            "is not brought to rest: its role is master, and enforceSlaveOnly "
                            "allows slaves only");
        }
        return fail(Code::workload_not_supported,
                    whose + "cannot be brought to rest by this agent yet");
    }

    Ini ini_;
    std::string file_;
    std::vector<std::string> warnings_;
    bool log_backup_named_ = false;
};

}  // namespace

ReadConfig<WorkloadConfig> parse_workload_config(std::string_view text, std::string file) {
    return WorkloadReader(text, std::move(file)).run();
}

}  // namespace stillpoint
