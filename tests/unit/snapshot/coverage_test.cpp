// SPDX-License-Identifier: Apache-2.0
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshot/plan.h"
#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Devices and mounts on the disk 'sda', and those of the counted devices that are covered.
struct Row {
    const char* name;
    const char* machine;
    std::vector<std::string> covered;

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class Coverage : public ::testing::TestWithParam<Row> {};

TEST_P(Coverage, NamesTheDevicesThatOnlyHeldFilesystemsWriteTo) {
    const testing::Machine machine = testing::parse_machine(
        "[devices]\ndisk sda 8:0\npartition sda1 8:1 on=sda\npartition sda2 8:2 on=sda\n"
        "[mounts]\n30 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
        std::string(GetParam().machine));

    const auto plan = plan_hold(machine.inventory, machine.selection);

    ASSERT_TRUE(plan) << plan.error().describe();
    EXPECT_EQ(plan->covered_devices, GetParam().covered);
}

// LVM's identifiers are 64 letters.
#define SP_LVM_UUID "LVM-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

const Row kRows[] = {
    {"nothing_mounted", "", {"sda1"}},
    {"watched", "[mounts]\n40 30 8:2 / /efi rw - vfat /dev/sda2 rw\n", {"sda1"}},
    {"read_only", "[mounts]\n40 30 8:2 / /ro ro - ext4 /dev/sda2 ro\n", {"sda1"}},
    {"skipped",
     "[mounts]\n40 30 8:2 / /d rw - ext4 /dev/sda2 rw\n[selection]\nskip /d\n",
     {"sda1"}},
    {"plain", "[mounts]\n40 30 8:2 / /d rw - ext4 /dev/sda2 rw\n", {"sda1", "sda2"}},
    {"whole_disk",
     "[devices]\ndisk sdb 8:16\n[mounts]\n40 30 8:16 / /d rw - xfs /dev/sdb rw\n",
     {"sda1", "sdb"}},
    {"crypt",
     "[devices]\ncrypt dm-0 253:0 on=sda2\n[mounts]\n40 30 253:0 / /d rw - xfs /dev/dm-0 rw\n",
     {"sda1", "sda2"}},
    {"crypt_without_filesystem", "[devices]\ncrypt dm-0 253:0 on=sda2\n", {"sda1"}},
    {"lvm_on_crypt",
     "[devices]\ncrypt dm-0 253:0 on=sda2\nlvm dm-1 253:1 on=dm-0 uuid=" SP_LVM_UUID
     "\n[mounts]\n40 30 253:1 / /d rw - xfs /dev/dm-1 rw\n",
     {"sda1", "sda2"}},
    {"two_volumes_held",
     "[devices]\nlvm dm-0 253:0 on=sda2\nlvm dm-1 253:1 on=sda2\n"
     "[mounts]\n40 30 253:0 / /d rw - xfs /dev/dm-0 rw\n41 30 253:1 / /e rw - xfs /dev/dm-1 rw\n",
     {"sda1", "sda2"}},
    {"a_volume_beside",
     "[devices]\nlvm dm-0 253:0 on=sda2\nlvm dm-1 253:1 on=sda2\n"
     "[mounts]\n40 30 253:0 / /d rw - xfs /dev/dm-0 rw\n",
     {"sda1"}},
    {"swap_volume_beside",
     "[devices]\nlvm dm-0 253:0 on=sda2\nlvm dm-1 253:1 on=sda2\n"
     "[mounts]\n40 30 253:0 / /d rw - xfs /dev/dm-0 rw\n[swaps]\npartition /dev/dm-1\n",
     {"sda1", "dm-0"}},
    {"thin_pool",
     "[devices]\nlvm dm-0 253:0 on=sda2 uuid=" SP_LVM_UUID "-tdata\n"
     "lvm dm-1 253:1 on=dm-0 uuid=" SP_LVM_UUID "-tpool\nlvm dm-2 253:2 on=dm-1 uuid=" SP_LVM_UUID
     "\n[mounts]\n40 30 253:2 / /d rw - xfs /dev/dm-2 rw\n",
     {"sda1"}},
    {"unknown_layer",
     "[devices]\nother bcache0 252:0 on=sda2\n[mounts]\n40 30 252:0 / /d rw - xfs /dev/bcache0 "
     "rw\n",
     {"sda1"}},
    {"mirror",
     "[devices]\ndisk sdb 8:16\nmd md0 9:0 on=sda2,sdb\n"
     "[mounts]\n40 30 9:0 / /d rw - xfs /dev/md0 rw\n",
     {"sda1", "md0"}},
    {"partitioned_mirror",
     "[devices]\ndisk sdb 8:16\nmd md0 9:0 on=sda2,sdb\npartition md0p1 259:0 on=md0\n"
     "[mounts]\n40 30 259:0 / /d rw - xfs /dev/md0p1 rw\n",
     {"sda1"}},
    {"btrfs_over_two",
     "[devices]\ndisk sdb 8:16\n[btrfs]\n77 sda2 sdb\n"
     "[mounts]\n40 30 0:44 / /d rw - btrfs /dev/sdb rw\n",
     {"sda1", "sda2", "sdb"}},
    {"stack_in_a_ring",
     "[devices]\ncrypt dm-0 253:0 on=sda2,dm-1\ncrypt dm-1 253:1 on=dm-0\n",
     {"sda1"}},
};

INSTANTIATE_TEST_SUITE_P(Plans, Coverage, ::testing::ValuesIn(kRows),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(PlanHold, SaysWhatAMissingCounterMeans) {
    testing::Machine machine = testing::parse_machine(
        "[devices]\ndisk sda 8:0\npartition sda1 8:1 on=sda uncounted\n"
        "partition sda2 8:2 on=sda uncounted\n"
        "[mounts]\n30 1 8:1 / / rw - ext4 /dev/sda1 rw\n");

    const auto plan = plan_hold(machine.inventory, machine.selection);

    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("'sda1' (queue/iostats is 0): writes past"),
                                            HasSubstr("'sda2' (queue/iostats is 0): its still")));
}

}  // namespace
}  // namespace stillpoint
