// SPDX-License-Identifier: Apache-2.0
#include "snapshot/disk_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshot/plan.h"
#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kThreeDisks[] = R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 8:16 / /data rw - xfs /dev/sdb rw
41 30 252:0 / /fast rw - xfs /dev/zram0 rw
[devices]
disk sda 8:0 lun=4 resource
partition sda1 8:1 on=sda
disk sdb 8:16
disk zram0 252:0
[selection]
lun -1
lun 0
)";

TEST(ApplyDiskMap, TakesTheAdministratorsWord) {
    testing::Machine machine = testing::parse_machine(kThreeDisks);

    const auto warnings = apply_disk_map(
        machine.inventory, {{"sda", {.lun = -1}}, {"sdb", {.lun = 7}}, {"zram0", {.local = true}}});

    EXPECT_THAT(warnings, IsEmpty());
    const auto plan = plan_hold(machine.inventory, machine.selection);
    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->disks, ElementsAre("sda"));
}

TEST(ApplyDiskMap, ChangesNothingElse) {
    testing::Machine machine = testing::parse_machine(kThreeDisks);
    const std::vector<BlockDevice> before = machine.inventory.devices;

    const auto warnings =
        apply_disk_map(machine.inventory, {{"sdz", {.lun = 1}}, {"sda1", {.lun = 2}}});

    EXPECT_EQ(machine.inventory.devices, before);
    EXPECT_THAT(warnings, ElementsAre(HasSubstr("'sdz', which is no block device"),
                                      HasSubstr("'sda1', which is a partition")));
}

}  // namespace
}  // namespace stillpoint
