// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/captured_child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;

Result<CapturedOutput> run(const std::string& script, Instant limit = 20s) {
    return run_captured({"/bin/sh", "-c", script}, 100'000, boottime_now() + limit);
}

std::string why_not(const Result<CapturedOutput>& ended) {
    EXPECT_FALSE(ended);
    return ended ? "" : ended.error().message();
}

TEST(CapturedChild, GivesWhatWasPrintedAndHowItEnded) {
    const auto ended = run("echo one; echo not this >&2; exit 3");
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->text, "one\n");
    EXPECT_EQ(ended->exit_code, 3);
}

TEST(CapturedChild, IsKilledWhenItIsLate) {
    const Instant begun = boottime_now();
    EXPECT_THAT(why_not(run("echo half; exec sleep 60", 300ms)), EndsWith("was not done in time"));
    EXPECT_LT(boottime_now() - begun, 10s);
}

TEST(CapturedChild, IsKilledWhenItClosesItsOutputAndGoesOn) {
    EXPECT_THAT(why_not(run("exec sleep 60 >&-", 300ms)), EndsWith("was not done in time"));
}

TEST(CapturedChild, IsKilledWhenItPrintsWithoutEnd) {
    EXPECT_THAT(why_not(run("while :; do echo more and more and more; done")),
                EndsWith("printed more than 100000 bytes"));
}

TEST(CapturedChild, ThatDiesIsNoAnswer) {
    EXPECT_THAT(why_not(run("echo half; kill -SEGV $$")), EndsWith("died by signal 11"));
    EXPECT_FALSE(run_captured({"/does/not/exist"}, 100, boottime_now() + 1s));
}

}  // namespace
}  // namespace stillpoint::linux_os
