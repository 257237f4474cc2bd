// SPDX-License-Identifier: Apache-2.0
#include "snapshot/time_limit.h"

#include <limits>

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

constexpr std::int64_t kStart = 639'309'790'381'354'880;  // 2026-11-22T21:17:18.135Z
constexpr WallTime kStartTime{std::chrono::milliseconds(1'795'382'238'135)};

TEST(TooLate, BeginsAfterAHundredAndFortyMinutes) {
    EXPECT_FALSE(too_late(kStart, kStartTime));
    EXPECT_FALSE(too_late(kStart, kStartTime + kCommandLimit));
    const auto late = too_late(kStart, kStartTime + kCommandLimit + std::chrono::seconds(1));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->code(), Code::command_too_late);
    EXPECT_EQ(late->message(), "the command is 140 minutes old");
}

TEST(TooLate, IsOffWithoutAUsableTime) {
    EXPECT_FALSE(too_late(std::nullopt, kStartTime));
    EXPECT_FALSE(too_late(-1, kStartTime));
    EXPECT_FALSE(too_late(std::numeric_limits<std::int64_t>::min(), kStartTime));
    EXPECT_FALSE(too_late(std::numeric_limits<std::int64_t>::max(), kStartTime));
    EXPECT_TRUE(too_late(0, kStartTime));
}

}  // namespace
}  // namespace stillpoint
