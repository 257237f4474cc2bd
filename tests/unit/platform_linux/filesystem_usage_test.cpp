// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/filesystem_usage.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "platform/linux/mountinfo.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/processes.h"

namespace stillpoint::linux_os {
namespace {

/// Where /dev/shm or else /proc is mounted: there on every machine.
MountPlace some_mount() {
    const auto text = read_kernel_file("/proc/self/mountinfo");
    const std::vector<Mount> mounts = parse_mountinfo(*text, 0).mounts;
    // Of several on one place the last is on top.
    const auto found = std::ranges::find_if(mounts.rbegin(), mounts.rend(), [](const Mount& one) {
        return one.mount_point == "/proc" || one.mount_point == "/dev/shm";
    });
    return {found->mount_point, found->id, 0, found->device};
}

TEST(UsedBytes, IsWhatTheFilesystemSays) {
    const MountPlace place = some_mount();
    struct statvfs usage {};
    ASSERT_EQ(::statvfs(place.mount_point.c_str(), &usage), 0);

    const auto used = used_bytes(place);

    ASSERT_TRUE(used) << used.error().describe();
    EXPECT_EQ(*used, (usage.f_blocks - usage.f_bfree) * usage.f_frsize);
}

TEST(UsedBytes, DoesNotAskAnotherFilesystemThanTheOneNamed) {
    MountPlace place = some_mount();
    place.mount_id += 100'000;
    const auto used = used_bytes(place);
    ASSERT_FALSE(used);
    EXPECT_EQ(used.error().code(), Code::mount_not_openable);
    EXPECT_THAT(used.error().sentence(), ::testing::HasSubstr("another filesystem is mounted on"));
}

TEST(UsedBytes, NamesTheMountThatIsGone) {
    const auto used = used_bytes({"/no/such mount", 1, 0, {8, 1}});
    ASSERT_FALSE(used);
    EXPECT_THAT(used.error().sentence(), ::testing::HasSubstr("'/no/such mount'"));
    EXPECT_EQ(used.error().os()->number, ENOENT);
}

TEST(ProcessNames, HoldOurOwn) {
    const auto own = read_attribute("/proc/self/comm");
    ASSERT_TRUE(own);
    EXPECT_THAT(process_names(), ::testing::Contains(*own));
}

TEST(CommandsAbove, BeginWithTheParent) {
    const auto line = read_kernel_file("/proc/" + std::to_string(::getppid()) + "/cmdline");
    const auto commands = commands_above();
    ASSERT_FALSE(commands.empty());
    ASSERT_FALSE(commands.front().empty());
    EXPECT_EQ(commands.front().front(), line->c_str());
}

}  // namespace
}  // namespace stillpoint::linux_os
