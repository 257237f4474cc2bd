// SPDX-License-Identifier: Apache-2.0
#include "restore/reinstall.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "platform/device_graph.h"
#include "restore/run.h"

namespace stillpoint {
namespace {

/// More rounds than there are kinds of steps that bring new ones to light.
constexpr int kMostRounds = 12;

class Reinstall {
public:
    Reinstall(const RestoreCase& restore, RestoreLook& look, RestoreSystem& system,
              const std::function<void(const std::string&)>& tell,
              const std::function<bool()>& stopped)
        : restore_(restore), look_(look), run_(system), tell_(tell), stopped_(stopped) {}

    Result<ReinstallResult> apply() {
        result_.applied = true;
        run_.end_stale_look();
        for (int round = 0; round < kMostRounds && !result_.failure; ++round) {
            const Result<RestoreFacts> facts = look_.look(restore_, run_.kept_lines());
            if (!facts && round == 0) {
                return facts.error();
            }
            if (!facts) {
                give_up(facts.error());
                break;
            }
            // Filesystems are checked in a look: it takes long, and a signal ends the check it is
            // in.
            if (gave_up_on_signal()) {
                break;
            }
            result_.plan = plan_restore(*facts, restore_.choices);
            if (!do_what_can_be_done() && !result_.failure) {
                end();
                return std::move(result_);
            }
            run_.settle();
        }
        if (!result_.failure) {
            give_up(fail(Code::internal,
                         "the steps do not come to an end: each look finds more to do"));
        }
        return std::move(result_);
    }

private:
    /// Whether anything was.
    bool do_what_can_be_done() {
        bool acted = false;
        for (const RestoreStep& step : result_.plan.steps) {
            // What was done, and is wanted again, did not bring what it should.
            if (step.later || has_failed(step) || !failed_around(step).empty() ||
                !tried_.insert(step.does).second) {
                continue;
            }
            if (gave_up_on_signal()) {
                return acted;
            }
            tell_(step.does);
            acted = true;
            if (const Result<void> done = run_.run(step); done) {
                result_.done.push_back(step);
                lasting_ = step.undo.empty() ? result_.done.size() : lasting_;
            } else if (step.volume.empty()) {
                result_.failed_step = step;
                give_up(done.error());
                return acted;
            } else {
                leave(step, done.error());
            }
        }
        return acted;
    }

    void leave(const RestoreStep& step, const Error& why) {
        const std::set<std::string> volumes = all_that_fall_with(step);
        failed_.insert(volumes.begin(), volumes.end());
        take_back([&](const RestoreStep& done) {
            return volumes.contains(done.volume) &&
                   !std::holds_alternative<RenameVolumeGroup>(done.action);
        });
        for (Error& error : run_.roll_back(volumes)) {
            result_.not_put_back.push_back(std::move(error));
        }
        for (const std::string& volume : volumes) {
            left_.push_back(
                {volume, why.code(), step.does + ": " + why.sentence(), Permission::none, ""});
        }
    }

    /// The volumes of a step that failed, those with a part of a volume group that is deactivated
    /// then, and those mounted inside what is unmounted then.
    std::set<std::string> all_that_fall_with(const RestoreStep& step) const {
        std::set<std::string> volumes = volumes_of(step);
        std::size_t before = 0;
        while (volumes.size() > before) {
            before = volumes.size();
            for (const RestoreStep& done : result_.done) {
                const std::set<std::string> its = volumes_of(done);
                const bool shared = std::ranges::any_of(
                    its, [&](const std::string& volume) { return volumes.contains(volume); });
                if (shared || is_inside_of(done, volumes)) {
                    volumes.insert(its.begin(), its.end());
                }
            }
            volumes.erase("");
        }
        return volumes;
    }

    static std::set<std::string> volumes_of(const RestoreStep& step) {
        std::set<std::string> volumes(step.partners.begin(), step.partners.end());
        volumes.insert(step.volume);
        return volumes;
    }

    bool is_inside_of(const RestoreStep& step, const std::set<std::string>& volumes) const {
        return std::ranges::any_of(result_.done, [&](const RestoreStep& outer) {
            return volumes.contains(outer.volume) && is_mounted_inside(step, outer);
        });
    }

    static bool is_mounted_inside(const RestoreStep& step, const RestoreStep& around) {
        const auto* inner = std::get_if<MountFilesystem>(&step.action);
        const auto* outer = std::get_if<MountFilesystem>(&around.action);
        return inner != nullptr && outer != nullptr && inner->mount_point != outer->mount_point &&
               is_within(inner->mount_point, outer->mount_point);
    }

    bool has_failed(const RestoreStep& step) const {
        return failed_.contains(step.volume) ||
               std::ranges::any_of(step.partners, [&](const std::string& partner) {
                   return failed_.contains(partner);
               });
    }

    /// Where one of a volume that failed should have been mounted, around what this step mounts;
    /// empty: nowhere.
    std::string failed_around(const RestoreStep& step) const {
        for (const RestoreStep& other : result_.plan.steps) {
            if (failed_.contains(other.volume) && is_mounted_inside(step, other)) {
                return std::get<MountFilesystem>(other.action).mount_point;
            }
        }
        return "";
    }

    bool gave_up_on_signal() {
        const bool stopped = stopped_();
        if (stopped) {
            give_up(fail(Code::restore_step_failed, "it was stopped by a signal"));
        }
        return stopped;
    }

    void give_up(Error failure) {
        result_.failure = std::move(failure);
        take_back([](const RestoreStep&) { return true; });
        for (Error& error : run_.roll_back()) {
            result_.not_put_back.push_back(std::move(error));
        }
        result_.copies = run_.copies();
    }

    /// What comes before a lasting change stays.
    template <class Which>
    void take_back(Which which) {
        const auto first = result_.done.begin() + static_cast<std::ptrdiff_t>(lasting_);
        const auto taken = std::stable_partition(
            first, result_.done.end(), [&](const RestoreStep& step) { return !which(step); });
        std::move(taken, result_.done.end(), std::back_inserter(result_.taken_back));
        result_.done.erase(taken, result_.done.end());
    }

    void end() {
        run_.finish();
        result_.copies = run_.copies();
        std::vector<RestoreStep> steps;
        for (const RestoreStep& step : result_.plan.steps) {
            const std::string outer = failed_around(step);
            if (has_failed(step)) {
                continue;
            }
            if (outer.empty()) {
                steps.push_back(step);
            } else {
                left_.push_back({std::get<MountFilesystem>(step.action).mount_point,
                                 Code::restore_step_failed,
                                 fmt::format("'{}' has to be mounted first, which failed", outer),
                                 Permission::none, ""});
            }
        }
        result_.plan.steps = std::move(steps);
        std::ranges::move(left_, std::back_inserter(result_.plan.left));
    }

    const RestoreCase& restore_;
    RestoreLook& look_;
    RestoreRun run_;
    const std::function<void(const std::string&)>& tell_;
    const std::function<bool()>& stopped_;
    ReinstallResult result_;
    std::set<std::string> tried_;
    std::set<std::string> failed_;  // volumes
    std::vector<LeftAlone> left_;
    std::size_t lasting_ = 0;  // so many of those that were done stay
};

}  // namespace

Result<ReinstallResult> preview_reinstall(const RestoreCase& restore, RestoreLook& look) {
    const Result<RestoreFacts> facts = look.look(restore, {});
    if (!facts) {
        return facts.error();
    }
    ReinstallResult result;
    result.plan = plan_restore(*facts, restore.choices);
    return result;
}

Result<ReinstallResult> apply_reinstall(const RestoreCase& restore, RestoreLook& look,
                                        RestoreSystem& system,
                                        const std::function<void(const std::string&)>& tell,
                                        const std::function<bool()>& stopped) {
    return Reinstall(restore, look, system, tell, stopped).apply();
}

int exit_code_of(const ReinstallResult& result) {
    if (result.failure || !result.not_put_back.empty()) {
        return 1;
    }
    return result.plan.steps.empty() && result.plan.left.empty() ? 0 : 3;
}

}  // namespace stillpoint
