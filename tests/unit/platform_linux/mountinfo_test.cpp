// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/mountinfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint::linux_os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseMountinfo, ReadsEveryField) {
    const MountTable table = parse_mountinfo(
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n",
        4242);

    const Mount expected{.id = 36,
                         .parent_id = 35,
                         .device = {98, 0},
                         .root = "/mnt1",
                         .mount_point = "/mnt2",
                         .options = "rw,noatime",
                         .type = "ext3",
                         .source = "/dev/root",
                         .super_options = "rw,errors=continue",
                         .namespace_pid = 4242};
    EXPECT_THAT(table.mounts, ElementsAre(expected));
    EXPECT_THAT(table.gaps, IsEmpty());
}

TEST(ParseMountinfo, DecodesWhatTheKernelEscapes) {
    const MountTable table = parse_mountinfo(
        R"(70 1 8:1 / /mnt/a\040b\011c\012d\134e rw - ext4 /dev/disk\040one rw)", 0);

    ASSERT_EQ(table.mounts.size(), 1U);
    EXPECT_EQ(table.mounts[0].mount_point, "/mnt/a b\tc\nd\\e");
    EXPECT_EQ(table.mounts[0].source, "/dev/disk one");
}

TEST(ParseMountinfo, TakesNoOptionalFieldsAndAnEmptySource) {
    const MountTable table = parse_mountinfo("70 1 0:30 / /run rw - tmpfs  rw,size=1k\n", 0);

    ASSERT_EQ(table.mounts.size(), 1U);
    EXPECT_EQ(table.mounts[0].source, "");
    EXPECT_EQ(table.mounts[0].super_options, "rw,size=1k");
}

TEST(ParseMountinfo, KeepsSpacesInOptions) {
    const MountTable table =
        parse_mountinfo("70 1 0:30 / /x rw - fuse.some source rw,subdir=a b,ro\n", 0);

    ASSERT_EQ(table.mounts.size(), 1U);
    EXPECT_EQ(table.mounts[0].super_options, "rw,subdir=a b,ro");
}

TEST(ParseMountinfo, LosesOnlyTheLineItDoesNotUnderstand) {
    const MountTable table = parse_mountinfo(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "2 1 nonsense / /a rw - ext4 /dev/sdb rw\n"
        "3 1 8:32 / /b rw - xfs /dev/sdc rw\n",
        7);

    ASSERT_EQ(table.mounts.size(), 2U);
    EXPECT_EQ(table.mounts[1].mount_point, "/b");
    EXPECT_THAT(table.gaps, ElementsAre(HasSubstr("line 2 of the mount table of process 7")));
}

TEST(ParseMountinfo, RefusesLinesThatAreCutOff) {
    const std::string whole = "36 35 98:0 / /mnt rw shared:7 - ext3 /dev/root rw";
    const std::size_t type_begins = whole.find("ext3");
    for (std::size_t size = 1; size <= type_begins; ++size) {
        EXPECT_THAT(parse_mountinfo(whole.substr(0, size), 0).mounts, IsEmpty())
            << whole.substr(0, size);
    }
}

TEST(ParseMountinfo, SaysAFewGapsAndNotThousands) {
    std::string text;
    for (int line = 0; line < 1000; ++line) {
        text += "nonsense\n";
    }

    EXPECT_EQ(parse_mountinfo(text, 0).gaps.size(), 8U);
}

TEST(DecodeOctal, LeavesWhatIsNoEscape) {
    EXPECT_EQ(decode_octal(R"(\04)"), R"(\04)");
    EXPECT_EQ(decode_octal(R"(\999)"), R"(\999)");
    EXPECT_EQ(decode_octal(R"(\400)"), R"(\400)");
    EXPECT_EQ(decode_octal(R"(\303\244)"), "\303\244");
    EXPECT_EQ(decode_octal("\\"), "\\");
}

TEST(ParseSwaps, ReadsFilesAndPartitions) {
    const auto swaps = parse_swaps(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/sda2                               partition\t2097148\t\t0\t\t-2\n"
        "/swap\\040file                           file\t\t1048572\t\t0\t\t-3\n");

    EXPECT_THAT(swaps, ElementsAre(SwapArea{.path = "/dev/sda2", .file = false},
                                   SwapArea{.path = "/swap file", .file = true}));
}

TEST(ParseSwaps, FindsNoneInAnEmptyTable) {
    EXPECT_THAT(parse_swaps("Filename\tType\tSize\tUsed\tPriority\n"), IsEmpty());
    EXPECT_THAT(parse_swaps(""), IsEmpty());
}

}  // namespace
}  // namespace stillpoint::linux_os
