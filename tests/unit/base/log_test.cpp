// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace stillpoint {
namespace {

struct LogTest : ::testing::Test {
    testing::FakeClock clock;
    Log log{clock};
    std::vector<LogLine> written;

    LogTest() {
        log.add_sink([this](const LogLine& line) { written.push_back(line); });
    }
};

TEST_F(LogTest, WritesCategorySentenceAndFields) {
    log.info("freeze", "froze filesystem", {{"mount", "/data"}, {"took_ms", "3"}});

    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(written[0].text, "freeze: froze filesystem mount='/data' took_ms='3'");
    EXPECT_EQ(written[0].level, LogLevel::info);
}

TEST_F(LogTest, KeepsLinesInMemoryWhileHeldAndWritesThemInOrderAfterwards) {
    log.info("a", "before");
    log.hold();
    log.info("b", "while held");
    log.warning("c", "still held");
    EXPECT_EQ(written.size(), 1U);

    log.release();
    log.info("d", "after");

    ASSERT_EQ(written.size(), 4U);
    EXPECT_EQ(written[1].text, "b: while held");
    EXPECT_EQ(written[2].text, "c: still held");
    EXPECT_EQ(written[3].text, "d: after");
}

TEST_F(LogTest, SaysHowManyLinesDidNotFitWhileHeld) {
    log.hold();
    for (std::size_t i = 0; i < Log::kHeldLines + 3; ++i) {
        log.debug("x", "line");
    }
    log.release();

    ASSERT_EQ(written.size(), Log::kHeldLines + 1);
    EXPECT_EQ(written.back().text, "log: lines lost while the guest was held count='3'");
}

TEST_F(LogTest, RedactsBeforeAnySink) {
    log.info("http", "sending", {{"uri", "https://a.blob/c/b?sv=1&sig=PLANTED"}});

    EXPECT_EQ(written[0].text, "http: sending uri='https://a.blob/c/b?***'");
}

}  // namespace
}  // namespace stillpoint
