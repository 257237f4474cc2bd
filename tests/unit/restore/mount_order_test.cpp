// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/restore/restored_machine.h"

namespace stillpoint {
namespace {

using testing::all_of_it;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::left;
using ::testing::Not;
using testing::RestoredMachine;

/// The second volume is mounted inside the first one.
RestoredMachine nested() {
    RestoredMachine machine;
    machine.mount_at(1, "/data0/inner");
    return machine;
}

std::vector<std::string> mount_commands(const RestoredMachine& machine) {
    std::vector<std::string> found;
    for (const std::string& command : machine.system.commands()) {
        if (command.starts_with("mount ") && command.find("/dev/sdb1") == std::string::npos) {
            found.push_back(command.substr(command.rfind(' ') + 1));
        }
    }
    return found;
}

TEST(MountOrder, TheOuterOneIsMountedFirst) {
    RestoredMachine machine;
    // The other way round than in the tables.
    machine.mount_at(0, "/data1/inner");
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(mount_commands(machine), ElementsAre("/data1", "/data1/inner", "/data2"));
}

TEST(MountOrder, AVolumeThatIsTakenBackTakesThoseInsideWithIt) {
    RestoredMachine machine = nested();
    // A second mount of the first volume, which comes after the others and fails.
    machine.system.files["/etc/fstab"] += "/dev/mapper/vol0 /zlast ext4 nofail 0 2\n";
    machine.system.fail_command = "/dev/mapper/vol0 /zlast";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3) << all_of_it(result);
    EXPECT_TRUE(result.not_put_back.empty()) << all_of_it(result);
    EXPECT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_NE(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));
    for (const std::string volume : {"vol0", "vol1"}) {
        EXPECT_THAT(machine.system.state(), Not(HasSubstr("/dev/mapper/" + volume + " " + volume)));
    }
}

/// The same without a passport, and with a line that does not name the outer volume itself.
RestoredMachine nested_in_a_filesystem_named_by_uuid() {
    RestoredMachine machine = nested();
    machine.restore.point.reset();
    machine.restore.point_problem = "none";
    std::string& fstab = machine.system.files["/etc/fstab"];
    fstab.replace(fstab.find("/dev/mapper/vol0"), 16, "UUID=fs-0");
    return machine;
}

TEST(MountOrder, NothingIsMountedInsideWhatALeftVolumeMayHold) {
    RestoredMachine machine = nested_in_a_filesystem_named_by_uuid();
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(0), "another key");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    ASSERT_NE(left(result, "/data0/inner"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));
}

TEST(MountOrder, NothingIsMountedInsideWhatAVolumeThatStaysClosedMayHold) {
    RestoredMachine machine = nested_in_a_filesystem_named_by_uuid();
    std::string& crypttab = machine.system.files["/etc/crypttab"];
    crypttab.insert(crypttab.find("luks,nofail") + 11, ",noauto");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "/data0/inner"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));

    // What is inside a disk that is not encrypted, or of the temporary one, does not wait.
    std::string& fstab = machine.system.files["/etc/fstab"];
    fstab.replace(fstab.find("UUID=fs-0"), 9, "/dev/disk/cloud/azure_resource-part1");
    EXPECT_EQ(left(machine.apply(), "/data0/inner"), nullptr);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0/inner", "/data2", "/mnt/azure_bek_disk"));
}

TEST(MountOrder, NothingIsMountedInsideWhatIsLeft) {
    RestoredMachine machine = nested();
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(0), "another key");
    for (const ReinstallResult& result : {machine.preview(), machine.apply(), machine.apply()}) {
        ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
        ASSERT_NE(left(result, "/data0/inner"), nullptr) << all_of_it(result);
        EXPECT_THAT(left(result, "/data0/inner")->why,
                    HasSubstr("'/data0' has to be mounted first"));
        EXPECT_EQ(exit_code_of(result), 3);
    }
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));
}

TEST(MountOrder, NothingIsMountedInsideWhatWaitsForPermission) {
    RestoredMachine machine = nested();
    machine.system.missing_tools = {"e2fsck"};
    const ReinstallResult without = machine.apply();
    ASSERT_NE(left(without, "/data0/inner"), nullptr) << all_of_it(without);
    EXPECT_THAT(machine.mounted(), ElementsAre("/mnt/azure_bek_disk"));

    machine.restore.choices.replay_journals = true;
    EXPECT_EQ(exit_code_of(machine.apply()), 0);
    EXPECT_THAT(mount_commands(machine), ElementsAre("/data0", "/data0/inner", "/data2"));
}

TEST(MountOrder, NothingIsMountedInsideWhatFailed) {
    RestoredMachine machine = nested();
    machine.system.fail_command = "/dev/mapper/vol0 /data0";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3);
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("made to fail"));
    ASSERT_NE(left(result, "/data0/inner"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/data0/inner")->why, HasSubstr("first, which failed"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));
    EXPECT_THAT(reinstall_text(result), Not(HasSubstr("mount '/dev/mapper/vol1'")));
}

TEST(MountOrder, WhatIsMountedInsideAlreadyIsNotCovered) {
    RestoredMachine machine = nested();
    machine.system.add_disk("sdz", testing::kGib, {"ext4", "somebody", "", false});
    machine.system.add_mount("/dev/sdz", "/data0/other");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "/data0"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/data0")->why, HasSubstr("'/data0/other' is mounted inside it"));
    EXPECT_NE(left(result, "/data0/inner"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0/other", "/data2", "/mnt/azure_bek_disk"));
}

TEST(MountOrder, WhatLiesInsideALogicalVolumesMountWaitsForIt) {
    RestoredMachine machine = nested();
    machine.system.add_inside("/dev/sdc", RestoredMachine::key(0),
                              {"LVM2_member", "pv-0", "", false});
    machine.system.add_group(
        {"vg-uuid", "vgdata", {"pv-0"}, {{"lv", {"ext4", "fs-0", "", false}}}});
    std::string& fstab = machine.system.files["/etc/fstab"];
    fstab.replace(fstab.find("/dev/mapper/vol0"), 16, "/dev/vgdata/lv");
    EncryptedVolume& recorded = machine.restore.point->encryption.volumes[0];
    recorded.volume_groups = {"vgdata"};
    recorded.mounts[0].source = "/dev/vgdata/lv";
    machine.restore.point->encryption.fstab = parse_fstab(fstab).entries();
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    const std::vector<std::string> order = mount_commands(machine);
    EXPECT_LT(std::ranges::find(order, "/data0"), std::ranges::find(order, "/data0/inner"));
    EXPECT_EQ(order.size(), 3U);
}

}  // namespace
}  // namespace stillpoint
