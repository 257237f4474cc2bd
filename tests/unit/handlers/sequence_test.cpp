// SPDX-License-Identifier: Apache-2.0
#include "handlers/sequence.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "tests/fakes/fake_file_store.h"

namespace stillpoint {
namespace {

using testing::FakeFileStore;

TEST(DecideEnable, FollowsTheTable) {
    const HandlerState fresh;
    const HandlerState known{3, "task-1", "{machine-1}"};
    struct Row {
        const char* name;
        HandlerState state;
        EnableFacts facts;
        EnableAction action;
    };
    const Row rows[] = {
        {"the first one ever", fresh, {0, "task-1", "{m}", false, false}, EnableAction::run},
        {"without a task", fresh, {0, "", "", false, false}, EnableAction::run},
        {"a new task", known, {4, "task-2", "{machine-1}", false, false}, EnableAction::run},
        {"numbers may fall", known, {2, "task-2", "{machine-1}", false, false}, EnableAction::run},
        {"no task, new number", {3, "", {}}, {4, "", "", false, false}, EnableAction::run},
        {"called again after the end",
         known,
         {3, "task-1", "{machine-1}", true, false},
         EnableAction::repeat_sequence},
        {"called again meanwhile",
         known,
         {3, "task-1", "{machine-1}", false, true},
         EnableAction::repeat_sequence},
        {"called again after a reboot",
         known,
         {3, "task-1", "{machine-1}", false, false},
         EnableAction::repair},
        {"the task under a new number",
         known,
         {4, "task-1", "{machine-1}", false, false},
         EnableAction::repeat_task},
        {"a restored machine, same number",
         known,
         {3, "task-1", "{machine-2}", true, false},
         EnableAction::run},
        {"a restored machine, same task",
         known,
         {4, "task-1", "{machine-2}", false, false},
         EnableAction::run},
        {"identity not known now",
         known,
         {3, "task-1", "", true, false},
         EnableAction::repeat_sequence},
        {"identity not known then",
         {3, "task-1", ""},
         {3, "task-1", "{machine-1}", true, false},
         EnableAction::repeat_sequence},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(decide_enable(row.state, row.facts), row.action) << row.name;
    }
}

TEST(StateFiles, ReadsWhatOurPredecessorLeft) {
    FakeFileStore extension;
    FakeFileStore durable;
    ASSERT_TRUE(extension.replace("mrseq", "17"));
    ASSERT_TRUE(
        extension.replace("task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C", "task-9\n"));
    ASSERT_TRUE(extension.replace("machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C", "{m}"));
    EXPECT_EQ(StateFiles(extension, durable).load(), (HandlerState{17, "task-9", "{m}"}));
}

TEST(StateFiles, ForgetsWhatItCannotRead) {
    FakeFileStore extension;
    FakeFileStore durable;
    EXPECT_EQ(StateFiles(extension, durable).load(), HandlerState{});
    ASSERT_TRUE(extension.replace("mrseq", "-1"));
    EXPECT_EQ(StateFiles(extension, durable).load().sequence, std::nullopt);
    ASSERT_TRUE(extension.replace("mrseq", "x"));
    EXPECT_EQ(StateFiles(extension, durable).load().sequence, std::nullopt);
}

TEST(StateFiles, KeepsTaskAndMachineOverAnUpgradeButNotTheNumber) {
    FakeFileStore old_version;
    FakeFileStore durable;
    StateFiles before(old_version, durable);
    ASSERT_TRUE(before.remember_run(5, "task-1"));
    ASSERT_TRUE(before.remember_machine("{m}"));
    EXPECT_EQ(before.load(), (HandlerState{5, "task-1", "{m}"}));

    FakeFileStore new_version;
    EXPECT_EQ(StateFiles(new_version, durable).load(),
              (HandlerState{std::nullopt, "task-1", "{m}"}));
    EXPECT_FALSE(durable.holds("mrseq"));
}

TEST(StateFiles, SaysThatItCouldNotWrite) {
    FakeFileStore extension;
    FakeFileStore durable;
    extension.fail_changes(ENOSPC);
    const auto done = StateFiles(extension, durable).remember_run(5, "task-1");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().os()->number, ENOSPC);
}

TEST(ParseMachineIdentity, TakesTheFirstRole) {
    EXPECT_EQ(
        parse_machine_identity(
            R"(<HostingEnvironmentConfig><Deployment name="d" guid="{d}"/>)"
            R"(<Role guid="{a-1}" name="r"/><Role guid="{b-2}"/></HostingEnvironmentConfig>)"),
        "{a-1}");
    EXPECT_EQ(parse_machine_identity("<Role\n guid='{c}'>"), "{c}");
    for (const char* xml : {"", "<Role name=\"x\"/>", "<Role guid=", "<Role guid=\"open", "<Role >",
                            "<Roles guid=\"no\">"}) {
        EXPECT_EQ(parse_machine_identity(xml), "") << xml;
    }
}

TEST(UniqueMachineId, IsMadeOnceAndKept) {
    FakeFileStore folder;
    EXPECT_EQ(*unique_machine_id(folder, ""), "");
    EXPECT_EQ(*unique_machine_id(folder, "{a-1}"), "a-1");
    EXPECT_EQ(*unique_machine_id(folder, "{b-2}"), "a-1");
    EXPECT_EQ(folder.content("machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B"), "a-1");
}

TEST(RetireOldFiles, RenamesAllButTheCurrentOne) {
    FakeFileStore folder;
    for (const char* name : {"1.status", "2.status", "3.status", "HandlerState", "x.settings"}) {
        ASSERT_TRUE(folder.replace(name, name));
    }
    ASSERT_TRUE(retire_old_files(folder, ".status", "3.status"));
    EXPECT_EQ(*folder.list(), (std::vector<std::string>{"x.settings", "HandlerState", "3.status",
                                                        "2_status", "1_status"}));
}

TEST(RetireOldFiles, KeepsTheNewestSixty) {
    FakeFileStore folder;
    for (int i = 0; i < 70; ++i) {
        ASSERT_TRUE(folder.replace(std::to_string(i) + "_settings", "x"));
    }
    ASSERT_TRUE(folder.replace("70.settings", "x"));
    ASSERT_TRUE(folder.replace("71.settings", "x"));
    ASSERT_TRUE(retire_old_files(folder, ".settings", "71.settings"));
    EXPECT_EQ(folder.list()->size(), kRetiredFilesKept + 1);
    EXPECT_TRUE(folder.holds("70_settings"));
    EXPECT_TRUE(folder.holds("71.settings"));
    EXPECT_FALSE(folder.holds("10_settings"));
    EXPECT_TRUE(folder.holds("11_settings"));
}

}  // namespace
}  // namespace stillpoint
