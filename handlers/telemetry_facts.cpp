// SPDX-License-Identifier: Apache-2.0
#include "handlers/telemetry_facts.h"

#include <algorithm>
#include <array>

namespace stillpoint {
namespace {

constexpr std::string_view kVersionLetters = "0123456789.";
constexpr std::size_t kLongestVersion = 40;

/// The digits and dots at the front; empty when that is no version.
std::string_view version_at_front(std::string_view text) {
    std::string_view version = text.substr(0, text.find_first_not_of(kVersionLetters));
    while (version.ends_with('.')) {
        version.remove_suffix(1);
    }
    return version.size() <= kLongestVersion && version.find('.') != std::string_view::npos
               ? version
               : std::string_view();
}

std::string_view version_in(const std::vector<std::string>& command) {
    constexpr std::string_view kPackage = "WALinuxAgent-";
    for (const std::string_view word : command) {
        const std::size_t at = word.find(kPackage);
        if (at != std::string_view::npos) {
            return version_at_front(word.substr(at + kPackage.size()));
        }
    }
    return {};
}

struct Database {
    std::string_view process;  // how a process's name begins
    std::string_view name;
};
constexpr std::array kDatabases = {
    Database{"mysqld", "mysqld"},       Database{"mariadbd", "mysqld"},
    Database{"postgres", "postgresql"}, Database{"postmaster", "postgresql"},
    Database{"ora_pmon_", "oracle"},    Database{"oracle", "oracle"},
    Database{"cassandra", "cassandra"}, Database{"mongo", "mongo"}};

}  // namespace

std::string guest_agent_version(const std::vector<std::vector<std::string>>& commands,
                                std::string_view daemon_version) {
    for (const std::vector<std::string>& command : commands) {
        if (std::ranges::find(command, "-run-exthandlers") == command.end()) {
            continue;
        }
        if (const std::string_view version = version_in(command); !version.empty()) {
            return std::string(version);
        }
    }
    const std::string_view version = version_at_front(daemon_version);
    return version.empty() ? "Unknown" : std::string(version);
}

std::string database_names(const std::vector<std::string>& processes) {
    std::vector<std::string_view> found;
    for (const Database& database : kDatabases) {
        const bool runs = std::ranges::any_of(processes, [&](const std::string& process) {
            return process.starts_with(database.process);
        });
        if (runs && std::ranges::find(found, database.name) == found.end()) {
            found.push_back(database.name);
        }
    }
    std::string text = "[";
    for (const std::string_view name : found) {
        text.append(text.size() > 1 ? ", '" : "'").append(name).append("'");
    }
    return text + "]";
}

}  // namespace stillpoint
