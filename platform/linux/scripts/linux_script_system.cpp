// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/linux_script_system.h"

#include <optional>

#include "platform/linux/file_lock.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/scripts/keeper_process.h"
#include "platform/linux/scripts/script_file.h"

namespace stillpoint::linux_os {
namespace {

/// Keeps scripts by a process, and by a second one should the first one die.
class ProcessScriptKeeper final : public ScriptKeeper {
public:
    ProcessScriptKeeper(KeeperPlan plan, KeeperProcess keeper)
        : plan_(std::move(plan)), keeper_(std::move(keeper)) {}

    std::vector<ScriptResult> run(ScriptPhase phase) override {
        if (keeper_) {
            if (auto answer = keeper_->run(phase, plan_.phase_limit)) {
                early_ = early_ || answer->early;
                return std::move(answer->results);
            }
            keeper_.reset();
            lost_ = true;
        }
        return phase == ScriptPhase::post ? run_post_again() : std::vector<ScriptResult>();
    }

    bool was_lost() const override { return lost_; }
    bool ran_early() const override { return early_; }

private:
    std::vector<ScriptResult> run_post_again() {
        Result<KeeperProcess> second = KeeperProcess::start(plan_);
        if (!second) {
            return {};
        }
        auto answer = second->run(ScriptPhase::post, plan_.phase_limit);
        return answer ? std::move(answer->results) : std::vector<ScriptResult>();
    }

    KeeperPlan plan_;
    std::optional<KeeperProcess> keeper_;
    bool lost_ = false;
    bool early_ = false;
};

/// The digest is taken from the descriptor that was checked, and compared before each run.
Result<KeptScript> kept(Script script) {
    auto file = std::dynamic_pointer_cast<const OpenedFile>(script.file);
    if (!file) {
        return fail(Code::internal, "the script was opened by somebody else");
    }
    Result<std::string> digest = digest_of(file->fd());
    if (!digest) {
        return digest.error();
    }
    return KeptScript{.location = std::move(script.location),
                      .parameters = std::move(script.parameters),
                      .limit = script.limit,
                      .retries = script.retries,
                      .file = std::move(file),
                      .digest = std::move(*digest)};
}

}  // namespace

Result<std::shared_ptr<const ScriptFile>> LinuxScriptSystem::open(const std::string& path) {
    auto file = open_file(path);
    return file ? Result<std::shared_ptr<const ScriptFile>>(std::move(*file)) : file.error();
}

Result<std::unique_ptr<ScriptKeeper>> LinuxScriptSystem::keep(
    std::vector<ScriptPair> pairs, std::chrono::milliseconds phase_limit) {
    KeeperPlan plan{.command = settings_.keeper_command,
                    .folder = settings_.folder,
                    .pre = {},
                    .post = {},
                    .lock = {},
                    .phase_limit = phase_limit,
                    .start_limit = settings_.start_limit,
                    .as_service = settings_.as_service};
    for (ScriptPair& pair : pairs) {
        Result<KeptScript> pre = kept(std::move(pair.pre));
        Result<KeptScript> post = kept(std::move(pair.post));
        if (!pre || !post) {
            return pre ? post.error() : pre.error();
        }
        plan.pre.push_back(std::move(*pre));
        plan.post.push_back(std::move(*post));
    }
    Result<std::optional<UniqueFd>> lock =
        lock_file(settings_.lock_path, boottime_now() + settings_.lock_limit);
    if (!lock) {
        return lock.error();
    }
    if (!*lock) {
        return fail(Code::another_backup_runs, "the scripts of another backup are still running");
    }
    plan.lock = std::move(**lock);
    Result<KeeperProcess> keeper = KeeperProcess::start(plan);
    if (!keeper) {
        return keeper.error();
    }
    return std::unique_ptr<ScriptKeeper>(
        std::make_unique<ProcessScriptKeeper>(std::move(plan), std::move(*keeper)));
}

}  // namespace stillpoint::linux_os
