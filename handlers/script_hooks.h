// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "handlers/script_checks.h"
#include "platform/application_hooks.h"
#include "platform/script_system.h"

namespace stillpoint {

/// The administrator's scripts before and after a snapshot (docs/scripts.md).
class ScriptHooks final : public ApplicationHooks {
public:
    ScriptHooks(ScriptSystem& system, Log& log) : system_(system), log_(log) {}

    QuiesceOutcome quiesce() override;
    std::optional<Error> resume() override;
    std::optional<Error> doubt() const override { return doubt_; }
    std::string application_name() const override { return app_name_; }

private:
    QuiesceOutcome left_out(const CheckedScripts& checked);
    /// The first failure, and whether a failed pair does not let the backup go on.
    struct Failure {
        std::optional<Error> error;
        bool ends_backup = false;
    };
    Failure judge(ScriptPhase phase, const std::vector<ScriptResult>& results);

    ScriptSystem& system_;
    Log& log_;
    std::string app_name_;
    std::vector<std::string> pre_locations_;
    std::vector<std::string> post_locations_;
    std::vector<bool> continues_;
    std::unique_ptr<ScriptKeeper> keeper_;
    std::optional<Error> doubt_;
};

/// Why a script of `phase` counts as failed, as a sentence with the end of what it said; no value:
/// it did what it should.
std::optional<Error> failure_of(const ScriptResult& result, ScriptPhase phase,
                                const std::string& location);

}  // namespace stillpoint
