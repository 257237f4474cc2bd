// SPDX-License-Identifier: Apache-2.0
#include "snapshot/raid_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> counted_on(const std::string& devices,
                                    const std::vector<std::string>& counted) {
    const testing::Machine machine = testing::parse_machine("[devices]\n" + devices);
    return count_arrays_for_members(DeviceGraph(machine.inventory), counted);
}

TEST(RaidMembers, AreCountedByTheirArray) {
    EXPECT_THAT(counted_on("disk sda 8:0\ndisk sdb 8:16\ndisk sdc 8:32\n"
                           "md md0 9:0 on=sda,sdb activity=idle\n",
                           {"sda", "sdb", "sdc"}),
                ElementsAre("md0", "sdc"));
}

TEST(RaidMembers, AreFoundThroughEncryption) {
    EXPECT_THAT(counted_on("disk sda 8:0\ndisk sdb 8:16\ncrypt dm-0 253:0 on=sda\n"
                           "crypt dm-1 253:1 on=sdb\nmd md0 9:0 on=dm-0,dm-1 activity=resync\n",
                           {"sda", "sdb"}),
                ElementsAre("md0"));
}

TEST(RaidMembers, CountThemselvesWhileTheArrayIsReshaped) {
    EXPECT_THAT(counted_on("disk sda 8:0\ndisk sdb 8:16\nmd md0 9:0 on=sda,sdb activity=reshape\n",
                           {"sda", "sdb"}),
                ElementsAre("sda", "sdb"));
}

TEST(RaidMembers, CountThemselvesWhereSomethingElseLiesBesideTheArray) {
    EXPECT_THAT(counted_on("disk sda 8:0\npartition sda1 8:1 on=sda\npartition sda2 8:2 on=sda\n"
                           "md md0 9:0 on=sda2\n",
                           {"sda", "sda1", "sda2"}),
                ElementsAre("sda", "sda1", "md0"));
    EXPECT_THAT(counted_on("disk sda 8:0\nlvm dm-0 253:0 on=sda\nlvm dm-1 253:1 on=sda\n"
                           "md md0 9:0 on=dm-0\n",
                           {"sda"}),
                ElementsAre("sda"));
}

}  // namespace
}  // namespace stillpoint
