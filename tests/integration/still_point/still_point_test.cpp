// SPDX-License-Identifier: Apache-2.0

// The real still point on real filesystems: what it holds, what it refuses, and that it lets go.

#include <algorithm>
#include <cerrno>

#include <sys/mount.h>

#include "tests/integration/still_point/scratch.h"

namespace stillpoint::testing {
namespace {

TEST_F(StillPointTest, HoldsEveryFilesystemWhileTheActionRuns) {
    std::vector<std::unique_ptr<Write>> writes;
    const HoldEvidence evidence = still_point.hold(plan_for(mounts), [&](Deadline) {
        for (const std::string& mount : mounts) {
            writes.push_back(std::make_unique<Write>(mount));
        }
        std::this_thread::sleep_for(100ms);
        for (const auto& write : writes) {
            EXPECT_FALSE(write->done()) << "a write got through while held";
        }
    });

    ASSERT_FALSE(evidence.not_held) << evidence.not_held->describe();
    EXPECT_FALSE(evidence.overran);
    for (const FilesystemEvidence& one : evidence.filesystems) {
        EXPECT_TRUE(one.held_until_thaw()) << one.filesystem.mount_point;
        EXPECT_TRUE(one.rehearsed);
        EXPECT_LE(*one.frozen, *evidence.action_begun);
        EXPECT_GE(*one.thaw_begun, *evidence.action_ended);
    }
    ASSERT_FALSE(evidence.devices.empty());
    for (const DeviceEvidence& device : evidence.devices) {
        EXPECT_TRUE(device.stood_still()) << device.name;
    }
    for (const auto& write : writes) {
        EXPECT_TRUE(write->done_within(2s));
    }
}

TEST_F(StillPointTest, WritesAreSeenInTheCountersWhenNobodyHolds) {
    HoldPlan plan = plan_for(mounts);
    plan.filesystems.clear();

    const HoldEvidence evidence =
        still_point.hold(plan, [&](Deadline) { ASSERT_TRUE(writable_within(mounts, 2s)); });

    EXPECT_TRUE(std::ranges::none_of(evidence.devices, &DeviceEvidence::stood_still));
}

TEST_F(StillPointTest, LeavesSomebodyElsesFreezeAlone) {
    ASSERT_EQ(foreign_freeze(mounts[0]), 0);
    bool ran = false;

    const HoldEvidence evidence = still_point.hold(plan_for(mounts), [&](Deadline) { ran = true; });

    EXPECT_EQ(foreign_thaw(mounts[0]), 0) << "the other one's freeze was taken away";
    EXPECT_FALSE(ran);
    ASSERT_TRUE(evidence.not_held);
    EXPECT_EQ(evidence.not_held->code(), Code::freeze_failed);
    EXPECT_EQ(of(evidence, mounts[0]).outcome, FreezeOutcome::foreign);
}

TEST_F(StillPointTest, HoldsTheRestWhenToldToAndNamesWhatItCouldNot) {
    ASSERT_EQ(foreign_freeze(mounts[0]), 0);
    HoldPlan plan = plan_for(mounts);
    plan.all_or_nothing = false;
    bool ran = false;

    const HoldEvidence evidence = still_point.hold(plan, [&](Deadline) { ran = true; });

    EXPECT_EQ(foreign_thaw(mounts[0]), 0);
    EXPECT_TRUE(ran);
    EXPECT_FALSE(evidence.not_held);
    EXPECT_EQ(of(evidence, mounts[0]).outcome, FreezeOutcome::foreign);
    EXPECT_TRUE(of(evidence, mounts[1]).held_until_thaw());
}

TEST_F(StillPointTest, SeesThatSomebodyLetGoEarly) {
    const HoldEvidence evidence = still_point.hold(
        plan_for(mounts), [&](Deadline) { EXPECT_EQ(foreign_thaw(mounts[1]), 0); });

    EXPECT_EQ(of(evidence, mounts[1]).thaw_errno, EINVAL);
    EXPECT_FALSE(of(evidence, mounts[1]).held_until_thaw());
    EXPECT_TRUE(of(evidence, mounts[0]).held_until_thaw());
}

TEST_F(StillPointTest, LetsGoAtTheDeadlineUnderAnActionThatDoesNotReturn) {
    const HoldEvidence evidence = still_point.hold(plan_for(mounts, 400ms), [&](Deadline) {
        EXPECT_TRUE(writable_within(mounts, 5s)) << "the deadline did not let go";
    });

    EXPECT_TRUE(evidence.overran);
    EXPECT_LT(*of(evidence, mounts[0]).thaw_begun, *evidence.action_ended);
}

TEST_F(StillPointTest, FreezesNothingOutsideTheGuardRail) {
    HoldPlan plan = plan_for(mounts);
    std::erase(*plan.only_devices, plan.filesystems[0].device);
    plan.all_or_nothing = false;

    const HoldEvidence evidence = still_point.hold(plan, [&](Deadline) {
        EXPECT_TRUE(writable_within({plan.filesystems[0].mount_point}, 2s));
    });

    EXPECT_EQ(evidence.filesystems[0].outcome, FreezeOutcome::not_allowed);
    EXPECT_FALSE(evidence.filesystems[0].frozen);
    EXPECT_TRUE(evidence.filesystems[1].held_until_thaw());
}

TEST_F(StillPointTest, DoesNotFreezeWhatWasMountedOverThePlannedMount) {
    const HoldPlan plan = plan_for(mounts);
    ASSERT_EQ(::mount("none", mounts[0].c_str(), "tmpfs", 0, nullptr), 0);

    const HoldEvidence evidence =
        still_point.hold(plan, [](Deadline) { FAIL() << "held nevertheless"; });

    ASSERT_EQ(::umount(mounts[0].c_str()), 0);
    ASSERT_TRUE(evidence.not_held);
    EXPECT_EQ(evidence.not_held->code(), Code::mount_not_openable);
    EXPECT_EQ(of(evidence, mounts[0]).outcome, FreezeOutcome::replaced);
}

TEST_F(StillPointTest, SaysSoWhenThereIsNoGuard) {
    static const struct : Clock {
        Instant now() const override { return {}; }
        WallTime wall_now() const override { return {}; }
    } clock;
    Log log(clock);
    linux_os::FreezeStillPoint unguarded(log, "/nonexistent/stillpoint-guard");

    const HoldEvidence evidence = unguarded.hold(plan_for(mounts), [](Deadline) { FAIL(); });

    ASSERT_TRUE(evidence.not_held);
    EXPECT_EQ(evidence.not_held->code(), Code::guard_unavailable);
}

}  // namespace
}  // namespace stillpoint::testing
