// SPDX-License-Identifier: Apache-2.0

// A filesystem on a loop device whose file lies on another one: the order, and what a stuck freeze
// or thaw does.

#include <cstdlib>
#include <filesystem>

#include <sys/mount.h>
#include <unistd.h>

#include "base/format.h"
#include "tests/integration/still_point/scratch.h"

namespace stillpoint::testing {
namespace {

/// `upper`: ext4 on a loop device on mounts[0].
struct StackedTest : StillPointTest {
    std::string upper = mounts[0] + "-upper";

    void SetUp() override {
        const std::string image = mounts[0] + "/image";
        ASSERT_EQ(
            std::system(fmt::format("truncate -s 32M {0} && mkfs.ext4 -q -F {0} && mkdir -p {1} && "
                                    "mount -o loop {0} {1} && sync",
                                    image, upper)
                            .c_str()),
            0);
    }
    void TearDown() override {
        EXPECT_TRUE(writable_within({upper}, 5s)) << "the upper one stayed frozen";
        // A guard that had to wait for the kernel goes a little after the hold.
        ASSERT_TRUE(wait_until(5s, [this] { return ::umount(upper.c_str()) == 0; }));
        ASSERT_EQ(std::system(fmt::format("rmdir {} && rm {}/image", upper, mounts[0]).c_str()), 0);
        StillPointTest::TearDown();
    }
};

TEST_F(StackedTest, FreezesTheUpperFilesystemFirstAndThawsItLast) {
    const HoldEvidence evidence = still_point.hold(plan_for({mounts[0], upper}), [](Deadline) {});

    ASSERT_FALSE(evidence.not_held) << evidence.not_held->describe();
    EXPECT_LT(*of(evidence, upper).frozen, *of(evidence, mounts[0]).freeze_begun);
    EXPECT_GT(*of(evidence, upper).thaw_begun, *of(evidence, mounts[0]).thawed);
    EXPECT_TRUE(of(evidence, upper).held_until_thaw());
}

TEST_F(StackedTest, LetsTheOthersGoWhenOneFreezeIsStuck) {
    HoldPlan plan = plan_for({upper, mounts[1]}, 2s);
    plan.rehearse = false;
    ASSERT_EQ(foreign_freeze(mounts[0]), 0);
    bool ran = false;
    const auto begun = std::chrono::steady_clock::now();

    const HoldEvidence evidence = still_point.hold(plan, [&](Deadline) { ran = true; });

    EXPECT_FALSE(ran);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
    EXPECT_TRUE(writable_within({mounts[1]}, 2s)) << "the other one waited for the stuck one";
    ASSERT_TRUE(evidence.not_held);
    EXPECT_EQ(evidence.not_held->code(), Code::freeze_timed_out);
    EXPECT_NE(evidence.not_held->message().find(upper), std::string::npos)
        << evidence.not_held->message();
    EXPECT_EQ(of(evidence, upper).outcome, FreezeOutcome::too_slow);
    // The kernel comes back when the lower one is let go; then the guard thaws what froze so late.
    ASSERT_EQ(foreign_thaw(mounts[0]), 0);
    EXPECT_TRUE(writable_within({upper}, 5s));
}

TEST_F(StackedTest, LetsTheOthersGoWhenOneThawIsStuck) {
    const HoldEvidence evidence = still_point.hold(plan_for({upper, mounts[1]}, 2s), [&](Deadline) {
        ASSERT_EQ(foreign_freeze(mounts[0]), 0);
    });

    EXPECT_TRUE(writable_within({mounts[1]}, 2s)) << "the other one waited for the stuck one";
    EXPECT_EQ(evidence.stuck, std::vector<std::string>{upper});
    EXPECT_FALSE(of(evidence, upper).thawed);
    ASSERT_EQ(foreign_thaw(mounts[0]), 0);
    EXPECT_TRUE(writable_within({upper}, 5s));
}

}  // namespace
}  // namespace stillpoint::testing
