// SPDX-License-Identifier: Apache-2.0
#include "snapshot/plan.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTwoDisks[] = R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 8:16 / /data rw - xfs /dev/sdb rw
41 30 8:16 /inside /srv/inside rw - xfs /dev/sdb rw
42 30 0:60 / /tmp rw - tmpfs tmpfs rw
43 30 8:15 / /boot/efi rw - vfat /dev/sda15 rw
[devices]
disk sda 8:0
partition sda1 8:1 on=sda
partition sda15 8:15 on=sda
disk sdb 8:16
)";

Result<GuestPlan> plan_of(const std::string& text) {
    const testing::Machine machine = testing::parse_machine(text);
    return plan_hold(machine.inventory, machine.selection);
}

GuestPlan good_plan_of(const std::string& text) {
    auto plan = plan_of(text);
    EXPECT_TRUE(plan) << plan.error().describe();
    return *std::move(plan);
}

std::vector<std::string> held(const GuestPlan& plan) {
    std::vector<std::string> mount_points;
    for (const FilesystemToHold& filesystem : plan.hold.filesystems) {
        mount_points.push_back(filesystem.mount_point);
    }
    return mount_points;
}

const LeftOut* left_out(const GuestPlan& plan, const std::string& mount_point) {
    const auto found = std::ranges::find(plan.left_out, mount_point, &LeftOut::mount_point);
    return found == plan.left_out.end() ? nullptr : &*found;
}

TEST(PlanHold, HoldsEachFilesystemOnceAndRootLast) {
    const GuestPlan plan = good_plan_of(kTwoDisks);

    EXPECT_THAT(held(plan), ElementsAre("/data", "/"));
    EXPECT_EQ(plan.hold.filesystems[0].level, 0);
    EXPECT_EQ(plan.hold.filesystems[1].level, 1);
    EXPECT_EQ(plan.hold.filesystems[0].mount_id, 40);
    EXPECT_THAT(plan.hold.block_devices, ElementsAre("sda1", "sda15", "sdb"));
    EXPECT_EQ(plan.pseudo_filesystems, 1);
}

TEST(PlanHold, TakesAMountToHoldByAnyOfItsMountPoints) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) + "[selection]\nonly /srv/inside\n");

    EXPECT_THAT(held(plan), ElementsAre("/data"));
    ASSERT_NE(left_out(plan, "/"), nullptr);
    EXPECT_TRUE(left_out(plan, "/")->lowers_claim);
}

TEST(PlanHold, TakesAMountToHoldWithASlashAtItsEnd) {
    const std::string text(kTwoDisks);

    EXPECT_THAT(held(good_plan_of(text + "[selection]\nonly /data/\n")), ElementsAre("/data"));
    EXPECT_THAT(held(good_plan_of(text + "[selection]\nonly /\n")), ElementsAre("/"));
    EXPECT_THAT(held(good_plan_of(text + "[selection]\nonly //\n")), ElementsAre("/"));
}

TEST(PlanHold, WarnsOfWhatTheInventoryCouldNotRead) {
    testing::Machine machine = testing::parse_machine(kTwoDisks);
    machine.inventory.gaps = {"the swap areas cannot be read"};

    const auto plan = plan_hold(machine.inventory, machine.selection);

    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->warnings, ElementsAre("the swap areas cannot be read"));
}

TEST(PlanHold, RefusesAMountThatIsNotThere) {
    const auto plan = plan_of(std::string(kTwoDisks) + "[selection]\nonly /dta\n");

    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code(), Code::mount_unknown);
    EXPECT_THAT(plan.error().message(), HasSubstr("'/dta'"));
}

TEST(PlanHold, SaysWhyNoneOfTheMountsToHoldCanBe) {
    const auto plan = plan_of(std::string(kTwoDisks) +
                              "[selection]\nonly /tmp\nonly /boot/efi\nonly /data\nskip /data\n");

    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code(), Code::nothing_to_hold);
    EXPECT_THAT(plan.error().message(), HasSubstr("'/tmp' (tmpfs): it has no storage"));
    EXPECT_THAT(plan.error().message(), HasSubstr("'/boot/efi' (vfat): its type cannot be frozen"));
    EXPECT_THAT(plan.error().message(), HasSubstr("'/data' (xfs): MountsToSkip names it"));
}

TEST(PlanHold, HoldsARemoteDiskOnlyWhenItIsNamed) {
    const std::string machine =
        "[mounts]\n"
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 30 8:16 / /san rw - xfs /dev/sdb rw\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "partition sda1 8:1 on=sda\n"
        "disk sdb 8:16 remote\n";

    const GuestPlan all = good_plan_of(machine);
    const GuestPlan named = good_plan_of(machine + "[selection]\nonly /san\n");

    ASSERT_NE(left_out(all, "/san"), nullptr);
    EXPECT_FALSE(left_out(all, "/san")->lowers_claim);
    EXPECT_THAT(all.disks, ElementsAre("sda"));
    EXPECT_THAT(held(named), ElementsAre("/san"));
    EXPECT_THAT(named.hold.block_devices, ElementsAre("sdb"));
}

TEST(PlanHold, SkipsExactlyWhatIsNamed) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) +
                                        "[selection]\nskip /data\nskip /boot\nskip /boot/efi/\n");

    EXPECT_THAT(held(plan), ElementsAre("/"));
    ASSERT_NE(left_out(plan, "/data"), nullptr);
    EXPECT_TRUE(left_out(plan, "/data")->lowers_claim);
    EXPECT_EQ(plan.hold.watched.size(), 1U);
}

TEST(PlanHold, StaysWithinTheDevicesItMayFreeze) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) + "[selection]\ndevice 8:16\n");

    EXPECT_THAT(held(plan), ElementsAre("/data"));
    EXPECT_THAT(plan.hold.watched, IsEmpty());
    ASSERT_NE(left_out(plan, "/"), nullptr);
    EXPECT_TRUE(left_out(plan, "/")->lowers_claim);
    EXPECT_EQ(plan.hold.only_devices, (std::vector<DeviceNumber>{{8, 16}}));
}

TEST(PlanHold, CountsADiskOfUnknownPlaceAsSnapshotted) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) + "[selection]\nlun 5\n");

    EXPECT_THAT(plan.disks, ElementsAre("sda", "sdb"));
    EXPECT_THAT(held(plan), ElementsAre("/data", "/"));
}

TEST(PlanHold, HoldsAFilesystemWhoseDeviceIsNotKnown) {
    const GuestPlan plan =
        good_plan_of(std::string(kTwoDisks) + "[mounts]\n50 30 8:99 / /odd rw - xfs /dev/sdx rw\n");

    EXPECT_THAT(held(plan), ElementsAre("/data", "/odd", "/"));
    EXPECT_TRUE(plan.stack_spans_disks) << "nobody knows where it lies";
    EXPECT_THAT(plan.warnings, ElementsAre(HasSubstr("which disks '/odd' (xfs) lies on")));
}

TEST(PlanHold, FreezesWhatIsOnALoopDeviceBeforeWhatCarriesItsFile) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) +
                                        "[mounts]\n"
                                        "50 30 7:0 / /outer rw - xfs /dev/loop0 rw\n"
                                        "51 30 7:1 / /a/inner rw - xfs /dev/loop1 rw\n"
                                        "52 30 7:2 / /lost rw - xfs /dev/loop2 rw\n"
                                        "[devices]\n"
                                        "loop loop0 7:0 file=/data/outer.img\n"
                                        "loop loop1 7:1 file=/outer/inner.img\n"
                                        "loop loop2 7:2\n");

    EXPECT_THAT(held(plan), ElementsAre("/a/inner", "/lost", "/outer", "/data", "/"));
    EXPECT_EQ(plan.hold.filesystems[1].level, 0);
    EXPECT_EQ(plan.hold.filesystems[2].level, 1);
    EXPECT_EQ(plan.hold.filesystems[3].level, 2);
    EXPECT_EQ(plan.hold.filesystems[4].level, 3);
    EXPECT_THAT(plan.disks, ElementsAre("sda", "sdb", "loop2"));
}

TEST(PlanHold, FreezesRootBeforeTheFilesystemThatCarriesIt) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 7:0 / / rw - ext4 /dev/loop0 rw\n"
        "40 30 8:1 / /host rw - ext4 /dev/sda1 rw\n"
        "41 30 8:2 / /data rw - ext4 /dev/sda2 rw\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "partition sda1 8:1 on=sda\n"
        "partition sda2 8:2 on=sda\n"
        "loop loop0 7:0 file=/host/root.img\n");

    EXPECT_THAT(held(plan), ElementsAre("/data", "/", "/host"));
}

TEST(PlanHold, FindsALoopFileThatWasDeletedWhileOpen) {
    testing::Machine machine = testing::parse_machine(
        std::string(kTwoDisks) +
        "[mounts]\n50 30 7:0 / /l rw - xfs /dev/loop0 rw\n[devices]\nloop loop0 7:0\n");
    machine.inventory.devices.back().backing_file = "/data/gone.img (deleted)";

    const auto plan = plan_hold(machine.inventory, machine.selection);

    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->disks, ElementsAre("sda", "sdb"));
}

TEST(PlanHold, LeavesOutALoopWhoseFileIsNotOnADisk) {
    const GuestPlan plan = good_plan_of(std::string(kTwoDisks) +
                                        "[mounts]\n50 30 7:0 / /l rw - xfs /dev/loop0 rw\n"
                                        "[devices]\nloop loop0 7:0 file=/tmp/in-memory.img\n");

    ASSERT_NE(left_out(plan, "/l"), nullptr);
    EXPECT_FALSE(left_out(plan, "/l")->lowers_claim);
}

TEST(PlanHold, EndsWhenLoopFilesFormARing) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 7:0 / / rw - ext4 /dev/loop0 rw\n"
        "40 30 7:1 / /b rw - ext4 /dev/loop1 rw\n"
        "[devices]\n"
        "loop loop0 7:0 file=/b/a.img\n"
        "loop loop1 7:1 file=/b.img\n");

    EXPECT_EQ(plan.hold.filesystems.size(), 2U);
}

TEST(PlanHold, OpensAMountThatIsNotCovered) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 30 8:16 / /d rw - xfs /dev/sdb rw\n"
        "41 40 0:60 / /d rw - tmpfs tmpfs rw\n"
        "42 30 8:16 / /longer rw - xfs /dev/sdb rw\n"
        "43 30 8:32 / /gone rw - xfs /dev/sdc rw\n"
        "44 43 0:61 / /gone rw - tmpfs tmpfs rw\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "partition sda1 8:1 on=sda\n"
        "disk sdb 8:16\n"
        "disk sdc 8:32\n");

    EXPECT_THAT(held(plan), ElementsAre("/longer", "/"));
    ASSERT_NE(left_out(plan, "/gone"), nullptr);
    EXPECT_TRUE(left_out(plan, "/gone")->lowers_claim);
}

TEST(PlanHold, LeavesOutAReadOnlyFilesystemButNotAReadOnlyMount) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 8:1 / / ro - ext4 /dev/sda1 rw\n"
        "40 30 8:16 / /d rw - xfs /dev/sdb ro,noatime\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "partition sda1 8:1 on=sda\n"
        "disk sdb 8:16\n");

    EXPECT_THAT(held(plan), ElementsAre("/"));
    ASSERT_NE(left_out(plan, "/d"), nullptr);
    EXPECT_FALSE(left_out(plan, "/d")->lowers_claim);
}

TEST(PlanHold, IsEmptyForAMachineWithoutDisks) {
    const GuestPlan plan = good_plan_of("[mounts]\n30 1 0:40 / / rw - overlay overlay rw\n");

    EXPECT_THAT(plan.hold.filesystems, IsEmpty());
    EXPECT_THAT(plan.disks, IsEmpty());
}

TEST(PlanHold, LeavesOutDisksWithoutMedium) {
    const GuestPlan plan =
        good_plan_of(std::string(kTwoDisks) + "[devices]\ndisk sdc 8:32 empty\n");

    EXPECT_THAT(plan.disks, ElementsAre("sda", "sdb"));
}

TEST(PlanHold, FindsABtrfsWhoseSourceSaysNothing) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 0:30 / / rw - btrfs /dev/root rw\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "disk sdb 8:16\n"
        "[btrfs]\n"
        "77 sda sdb\n");

    EXPECT_TRUE(plan.stack_spans_disks);
    EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST(PlanHold, WatchesATypeItDoesNotKnow) {
    const GuestPlan plan = good_plan_of(
        "[mounts]\n"
        "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 30 8:16 / /d rw - vxfs /dev/sdb rw\n"
        "[devices]\n"
        "disk sda 8:0\n"
        "partition sda1 8:1 on=sda\n"
        "disk sdb 8:16\n");

    ASSERT_EQ(plan.hold.watched.size(), 1U);
    EXPECT_EQ(plan.hold.watched[0].mount_point, "/d");
    EXPECT_THAT(plan.hold.watched[0].block_devices, ElementsAre("sdb"));
}

}  // namespace
}  // namespace stillpoint
