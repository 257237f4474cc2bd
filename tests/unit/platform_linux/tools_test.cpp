// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/tools.h"

#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/restore/key_volume.h"
#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

bool never() {
    return false;
}

TEST(Tools, GiveExitCodeAndBothOutputs) {
    const Result<ToolResult> result =
        run_tool({"sh", "-c", "echo out; echo err >&2; exit 3"}, 10s, never);
    ASSERT_TRUE(result) << result.error().describe();
    EXPECT_EQ(result->exit_code, 3);
    EXPECT_EQ(result->output, "out\n");
    EXPECT_EQ(result->errors, "err\n");
}

TEST(Tools, HaveAnEnvironmentOfOurs) {
    const Result<ToolResult> result = run_tool({"env"}, 10s, never);
    ASSERT_TRUE(result);
    EXPECT_THAT(result->output, HasSubstr("LC_ALL=C\n"));
    EXPECT_THAT(result->output, HasSubstr("PATH=/usr/sbin:/sbin:/usr/bin:/bin\n"));
    EXPECT_THAT(result->output, ::testing::Not(HasSubstr("HOME=")));
}

TEST(Tools, AreNamedWhenTheyAreMissing) {
    const Result<ToolResult> result = run_tool({"no-such-tool-here"}, 10s, never);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message(), HasSubstr("'no-such-tool-here' is not installed"));
}

TEST(Tools, AreKilledWithTheirChildrenAtTheirLimitOrWhenStopped) {
    const Instant begin = boottime_now();
    const Result<ToolResult> late = run_tool({"sh", "-c", "sleep 60; true"}, 300ms, never);
    ASSERT_FALSE(late);
    EXPECT_THAT(late.error().message(), HasSubstr("did not end within"));
    const Result<ToolResult> stopped =
        run_tool({"sh", "-c", "sleep 60; true"}, 50s, [] { return true; });
    ASSERT_FALSE(stopped);
    EXPECT_THAT(stopped.error().message(), HasSubstr("was stopped"));
    EXPECT_LT(boottime_now() - begin, 30s);
}

TEST(Tools, SayWhenTheyWereKilled) {
    const Result<ToolResult> result = run_tool({"sh", "-c", "kill -9 $$"}, 10s, never);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message(), HasSubstr("signal 9"));
}

TEST(KeyFile, IsReadAsItIs) {
    const testing::TemporaryFolder folder;
    const std::string path = folder.file("key");
    std::ofstream(path) << std::string("a\0b\n", 4);
    const auto key = read_key_file(path);
    ASSERT_TRUE(key && *key);
    EXPECT_EQ((*key)->reveal(), std::string_view("a\0b\n", 4));
}

TEST(KeyFile, IsNoneNoFileOrTooLarge) {
    const testing::TemporaryFolder folder;
    const auto none = read_key_file(folder.file("none"));
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);

    // A pipe without a writer would block for ever.
    const std::string pipe = folder.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const auto waiting = read_key_file(pipe);
    ASSERT_TRUE(waiting);
    EXPECT_FALSE(*waiting);

    const std::string large = folder.file("large");
    std::ofstream(large) << std::string(100'000, 'x');
    const auto refused = read_key_file(large);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("too large"));
}

TEST(KeyVolume, IsNamedWhenItCannotBeRead) {
    const auto keys = read_key_volume("/no/such/device");
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error().code(), Code::volume_unreadable);
    EXPECT_THAT(keys.error().message(), HasSubstr("'/no/such/device'"));
}

}  // namespace
}  // namespace stillpoint::linux_os
