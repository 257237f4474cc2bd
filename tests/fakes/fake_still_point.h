// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/result.h"
#include "platform/still_point.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/journal.h"

namespace stillpoint::testing {

/// A guest that is held in memory. Enforces the domain's rules on everyone: nobody holds inside a
/// hold, or again while something is still stuck, and nobody leaves the guest held.
class FakeStillPoint final : public StillPoint {
public:
    FakeStillPoint(const FakeClock& clock, Journal& journal) : clock_(clock), journal_(journal) {}
    ~FakeStillPoint() override { EXPECT_FALSE(held_) << "the guest was left held"; }

    std::optional<Error> cannot_hold;    // of every hold: nothing is frozen
    std::map<std::string, int> refuses;  // by mount point: what FIFREEZE answers
    std::set<std::string> sticks;        // mount points whose FITHAW does not come back

    bool held() const { return held_; }
    /// What was asked for, hold by hold.
    const std::vector<HoldPlan>& plans() const { return plans_; }

    HoldEvidence hold(const HoldPlan& plan, const std::function<void(Deadline)>& action) override {
        EXPECT_FALSE(std::exchange(held_, true)) << "a hold inside a hold";
        EXPECT_TRUE(stuck_.empty()) << "a hold while '" << stuck_.front() << "' is stuck";
        EXPECT_TRUE(std::ranges::is_sorted(plan.filesystems, {}, &FilesystemToHold::level));
        plans_.push_back(plan);
        HoldEvidence evidence;
        evidence.deadline = clock_.now() + plan.limit;
        evidence.not_held = cannot_hold;
        if (!evidence.not_held) {
            freeze(plan, evidence);
        }
        if (!evidence.not_held) {
            evidence.action_begun = clock_.now();
            action(Deadline(evidence.deadline));
            evidence.action_ended = clock_.now();
            evidence.overran = clock_.now() >= evidence.deadline;
            observe(plan, evidence);
        }
        thaw(evidence);
        held_ = false;
        return evidence;
    }

private:
    void freeze(const HoldPlan& plan, HoldEvidence& evidence) {
        for (const FilesystemToHold& filesystem : plan.filesystems) {
            FilesystemEvidence& one = evidence.filesystems.emplace_back();
            one.filesystem = filesystem;
            const auto refused = refuses.find(filesystem.mount_point);
            if (evidence.not_held) {
                continue;
            }
            if (refused == refuses.end()) {
                journal_.push_back("freeze " + filesystem.mount_point);
                one.outcome = FreezeOutcome::held;
                one.freeze_begun = one.frozen = clock_.now();
                continue;
            }
            one.outcome = FreezeOutcome::refused;
            one.freeze_errno = refused->second;
            if (plan.all_or_nothing) {
                evidence.not_held =
                    fail(Code::freeze_failed, "cannot freeze '" + filesystem.mount_point + "'")
                        .with_errno(refused->second);
            }
        }
    }

    static void observe(const HoldPlan& plan, HoldEvidence& evidence) {
        for (const std::string& name : plan.block_devices) {
            evidence.devices.push_back(
                {.name = name, .readable = true, .after_freeze = {}, .before_thaw = {}});
        }
        for (const FilesystemToWatch& filesystem : plan.watched) {
            evidence.watched.push_back({.filesystem = filesystem, .still = true, .why_not = {}});
        }
    }

    void thaw(HoldEvidence& evidence) {
        for (auto one = evidence.filesystems.rbegin(); one != evidence.filesystems.rend(); ++one) {
            if (one->outcome != FreezeOutcome::held) {
                continue;
            }
            const std::string& mount_point = one->filesystem.mount_point;
            journal_.push_back("thaw " + mount_point);
            one->thaw_begun = std::min(clock_.now(), evidence.deadline);
            if (sticks.contains(mount_point)) {
                stuck_.push_back(mount_point);
            } else {
                one->thawed = one->thaw_begun;
            }
        }
        evidence.stuck = stuck_;
    }

    const FakeClock& clock_;
    Journal& journal_;
    bool held_ = false;
    std::vector<std::string> stuck_;
    std::vector<HoldPlan> plans_;
};

}  // namespace stillpoint::testing
