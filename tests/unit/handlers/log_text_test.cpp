// SPDX-License-Identifier: Apache-2.0
#include "handlers/log_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr WallTime kTime{std::chrono::milliseconds(1'795'382'252'480)};

TEST(LogText, IsOneLineWhateverWasSaid) {
    EXPECT_EQ(log_text({kTime, LogLevel::warning, "freeze: slow"}),
              "2026-11-22 21:17:32.480000  Warning  freeze: slow \n");
    EXPECT_EQ(log_text({kTime, LogLevel::info, "a\nb\r\n"}),
              "2026-11-22 21:17:32.480000  Info  a b   \n");
}

TEST(RecentLines, AreAllThereAsLongAsTheyAreFew) {
    RecentLines recent;
    recent.add({kTime, LogLevel::info, "one"});
    recent.add({kTime, LogLevel::info, "two"});
    EXPECT_EQ(recent.text(),
              "2026-11-22 21:17:32.480000  Info  one \n"
              "2026-11-22 21:17:32.480000  Info  two \n");
    EXPECT_EQ(recent.lines().size(), 2U);
}

TEST(RecentLines, ForgetTheOldestAndSayHowMany) {
    RecentLines recent;
    constexpr int kLines = 20'000;
    for (int i = 0; i < kLines; ++i) {
        recent.add({kTime, LogLevel::info, "line " + std::to_string(i) + std::string(100, 'x')});
    }
    std::size_t bytes = 0;
    for (const LogLine& line : recent.lines()) {
        bytes += line.text.size();
    }
    EXPECT_LE(bytes, RecentLines::kBytes);
    EXPECT_GE(bytes, RecentLines::kBytes / 4);
    const std::string text = recent.text();
    EXPECT_THAT(text.substr(0, 100),
                StartsWith("(" + std::to_string(kLines - recent.lines().size()) +
                           " earlier lines are in the log file) \n"));
    EXPECT_THAT(recent.lines().back().text, StartsWith("line 19999"));
    EXPECT_THAT(text.substr(0, 200), Not(HasSubstr("line 0x")));
}

TEST(RecentLines, KeepNoLineThatIsTooLongByItself) {
    RecentLines recent;
    recent.add({kTime, LogLevel::info, std::string(RecentLines::kBytes * 2, 'x')});
    recent.add({kTime, LogLevel::info, "short"});
    EXPECT_THAT(recent.text(), EndsWith("Info  short \n"));
    EXPECT_EQ(recent.lines().size(), 1U);
}

}  // namespace
}  // namespace stillpoint
