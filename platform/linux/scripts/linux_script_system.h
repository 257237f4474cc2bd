// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/linux/systemd.h"
#include "platform/script_system.h"

namespace stillpoint::linux_os {

/// Scripts on Linux: docs/adr/0008-scripts-outlive-the-worker.md.
class LinuxScriptSystem final : public ScriptSystem {
public:
    struct Settings {
        /// The program and its first words that call keep_scripts(); "--socket NAME" follows.
        std::vector<std::string> keeper_command;
        /// Where scripts run.
        std::string folder;
        /// Held while a backup's scripts may run: those of two backups never mix.
        std::string lock_path;
        std::chrono::milliseconds start_limit = std::chrono::seconds(60);
        std::chrono::milliseconds lock_limit = std::chrono::seconds(240);
        bool as_service = systemd_runs();
    };
    explicit LinuxScriptSystem(Settings settings) : settings_(std::move(settings)) {}

    Result<std::shared_ptr<const ScriptFile>> open(const std::string& path) override;
    Result<std::unique_ptr<ScriptKeeper>> keep(std::vector<ScriptPair> pairs,
                                               std::chrono::milliseconds phase_limit) override;

private:
    Settings settings_;
};

}  // namespace stillpoint::linux_os
