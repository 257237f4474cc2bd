// SPDX-License-Identifier: Apache-2.0
#include "handlers/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_file_store.h"

namespace stillpoint {
namespace {

constexpr WallTime kTime{std::chrono::milliseconds(1'795'382'252'480)};
const EventOrigin kOrigin{"Publisher.Type-1.2.3.4", "Enable", "task-1", "125", "77"};

nlohmann::json events_of(const std::vector<LogLine>& lines) {
    return nlohmann::json::parse(render_events(kOrigin, lines));
}

TEST(RenderEvents, WritesTheMembersTheVmAgentRequires) {
    EXPECT_EQ(
        render_events(kOrigin, {{kTime, LogLevel::warning, "freeze: slow"},
                                {kTime, LogLevel::warning, "freeze: \xC3\xA4"}}),
        R"([{"Version": "Publisher.Type-1.2.3.4", "Timestamp": "2026-11-22T21:17:32.480000", )"
        R"("TaskName": "Enable", "EventLevel": "Warning", "Message": )"
        R"("2026-11-22T21:17:32.480000\t[Warning]:\tfreeze: slow\n)"
        R"(2026-11-22T21:17:32.480000\t[Warning]:\tfreeze: \u00e4\n", "EventPid": "125", )"
        R"("EventTid": "00000077", "OperationId": "task-1"}])");
}

TEST(RenderEvents, NamesNoOperationByZeros) {
    EventOrigin origin = kOrigin;
    origin.operation_id = "";
    EXPECT_THAT(render_events(origin, {{kTime, LogLevel::info, "x"}}),
                ::testing::HasSubstr(R"("OperationId": "00000000-0000-0000-0000-000000000000")"));
}

TEST(RenderEvents, StartsANewEventWhereTheLevelChangesOrTheOldOneIsFull) {
    const auto events = events_of({{kTime, LogLevel::info, "a"},
                                   {kTime, LogLevel::error, "b"},
                                   {kTime, LogLevel::error, std::string(2950, 'c')}});
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0]["EventLevel"], "Informational");
    EXPECT_EQ(events[1]["EventLevel"], "Error");
}

TEST(RenderEvents, SplitsALongLineWithoutBreakingACharacter) {
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        text += "\xE2\x82\xAC";
    }
    const auto events = events_of({{kTime, LogLevel::info, text}});
    ASSERT_EQ(events.size(), 4U);
    for (const auto& event : events) {
        const std::string message = event["Message"];
        EXPECT_LE(message.size(), kEventMessageLimit);
        EXPECT_EQ(message.find("\xEF\xBF\xBD"), std::string::npos);
    }
    EXPECT_THAT(events[1]["Message"].get<std::string>(),
                ::testing::StartsWith("2026-11-22T21:17:32.480000 [2/4] \xE2\x82\xAC"));
}

TEST(RenderEvents, SaysWhatItLeftOut) {
    const std::vector<LogLine> lines(400, {kTime, LogLevel::info, std::string(2900, 'x')});
    const auto events = events_of(lines);
    ASSERT_EQ(events.size(), kEventsPerFile);
    EXPECT_EQ(events.back()["Message"], "101 more lines are in the log file");
}

TEST(RenderEvents, KeepsEachEventBelowTheLimitOfTheVmAgent) {
    EventOrigin origin = kOrigin;
    origin.operation_id = std::string(100'000, 'i');
    const auto events = nlohmann::json::parse(
        render_events(origin, {{kTime, LogLevel::info, std::string(2940, 'x')}}));
    ASSERT_EQ(events.size(), 1U);
    std::size_t size = 0;
    for (const auto& member : events[0]) {
        size += member.get<std::string>().size();
    }
    EXPECT_LE(size, 6144U);
    EXPECT_LE(events[0]["Message"].get<std::string>().size(), 3072U);
}

TEST(RenderEvents, KeepsTheFileBelowTheLimitOfTheVmAgent) {
    // Each byte takes six in the file.
    const std::vector<LogLine> lines(290, {kTime, LogLevel::info, std::string(2900, '\x01')});
    const std::string text = render_events(kOrigin, lines);
    EXPECT_LE(text.size(), std::size_t{4} << 20);
    EXPECT_GT(text.size(), std::size_t{3} << 20);
    const auto events = nlohmann::json::parse(text);
    EXPECT_EQ(events.back()["Message"],
              std::to_string(291 - events.size()) + " more lines are in the log file");
}

TEST(WriteEvents, LeavesOneFileNamedByTheTime) {
    testing::FakeFileStore folder;
    ASSERT_TRUE(write_events(folder, kOrigin, {}, 1));
    EXPECT_TRUE(folder.list()->empty());
    ASSERT_TRUE(write_events(folder, kOrigin, {{kTime, LogLevel::info, "x"}}, 1795382252480000000));
    EXPECT_EQ(*folder.list(), std::vector<std::string>{"1795382252480000000.json"});
}

TEST(WriteEvents, RemovesWhatNobodyFetchedForADay) {
    constexpr std::uint64_t kNow = 1'795'382'252'480'000'000;
    constexpr std::uint64_t kHour = 3'600'000'000'000;
    testing::FakeFileStore folder;
    for (const std::string& name :
         {std::to_string(kNow - 25 * kHour) + ".json", std::to_string(kNow - 23 * kHour) + ".json",
          std::to_string(kNow + kHour) + ".json", std::string("1.json.new"), std::string("x.json"),
          std::string("99999999999999999999999.json")}) {
        ASSERT_TRUE(folder.replace(name, "[]"));
    }
    ASSERT_TRUE(write_events(folder, kOrigin, {{kTime, LogLevel::info, "x"}}, kNow));
    EXPECT_FALSE(folder.holds(std::to_string(kNow - 25 * kHour) + ".json"));
    EXPECT_EQ(folder.list()->size(), 6U);
}

TEST(WriteEvents, AddsNothingToAFullFolder) {
    testing::FakeFileStore folder;
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(folder.replace(std::to_string(i) + ".json", "[]"));
    }
    ASSERT_TRUE(write_events(folder, kOrigin, {{kTime, LogLevel::info, "x"}}, 500));
    EXPECT_FALSE(folder.holds("500.json"));
}

}  // namespace
}  // namespace stillpoint
