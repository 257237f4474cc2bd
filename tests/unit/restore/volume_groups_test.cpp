// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "restore/lv_path.h"
#include "restore/lvm_report.h"
#include "tests/unit/restore/restored_machine.h"

namespace stillpoint {
namespace {

using testing::all_of_it;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::left;
using ::testing::Not;
using testing::RestoredMachine;

/// One encrypted volume with LVM on it, and, for some tests, its original beside it.
class LvmMachine {
public:
    LvmMachine() {
        auto& system = machine.system;
        system.add_disk("sdg", testing::kGib, {"crypto_LUKS", "uuid-3", "", false});
        system.add_header("/dev/sdg", testing::luks("uuid-3"), RestoredMachine::key(0));
        system.add_inside("/dev/sdg", RestoredMachine::key(0), {"LVM2_member", "pv-1", "", false});
        system.add_group({"vg-uuid", "vgdata", {"pv-1"}, {{"lv", {"xfs", "fs-lv", "", false}}}});
        EncryptedVolume volume;
        volume.mapper = "vol3";
        volume.header = testing::luks("uuid-3");
        volume.of_azure = true;
        volume.volume_groups = {"vgdata"};
        volume.device_path = "/dev/sdg";
        volume.mounts = {{"/lv", "xfs", "fs-lv", "/dev/vgdata/lv"}};
        machine.restore.point->encryption.volumes.push_back(volume);
        system.files["/etc/crypttab"] +=
            "vol3 /dev/sdg /mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0 luks,nofail\n";
        system.files["/etc/fstab"] += "/dev/mapper/vgdata-lv /lv xfs nofail 0 2\n";
    }

    RestoredMachine machine;
};

TEST(VolumeGroups, AreActivatedAndTheirVolumesMounted) {
    LvmMachine lvm;
    const ReinstallResult result = lvm.machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(lvm.machine.system.commands(), Contains("vgchange -ay vgdata"));
    EXPECT_THAT(lvm.machine.mounted(), Contains("/lv"));
    EXPECT_THAT(lvm.machine.apply().done, IsEmpty());
}

/// A group on the first two volumes; what the passport says is mounted of each.
void put_group_on_two(RestoredMachine& machine, const std::vector<EncryptedMount>& mounts) {
    for (int lun = 0; lun < 2; ++lun) {
        machine.system.add_inside(RestoredMachine::disk(lun), RestoredMachine::key(lun),
                                  {"LVM2_member", fmt::format("pv-{}", lun), "", false});
        const auto at = static_cast<std::size_t>(lun);
        EncryptedVolume& volume = machine.restore.point->encryption.volumes[at];
        volume.volume_groups = {"vgdata"};
        volume.mounts = {mounts[at]};
    }
    machine.restore.point->encryption.fstab.clear();
}

TEST(VolumeGroups, OneThatCannotBeActivatedIsClosedOnAllItsVolumes) {
    RestoredMachine machine;
    const EncryptedMount mount{"/lv", "xfs", "fs-lv", "/dev/vgdata/lv"};
    put_group_on_two(machine, {mount, mount});
    machine.system.files["/etc/fstab"] =
        "/dev/vgdata/lv /lv xfs nofail 0 2\n" + RestoredMachine::fstab_line(2) + "\n";
    machine.system.add_group(
        {"vg-uuid", "vgdata", {"pv-0", "pv-1"}, {{"lv", {"xfs", "fs-lv", "", false}}}});
    machine.system.fail_command = "vgchange -ay";
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 3);
    EXPECT_THAT(result.not_put_back, IsEmpty()) << all_of_it(result);
    for (const std::string volume : {"vol0", "vol1"}) {
        ASSERT_NE(left(result, volume), nullptr) << all_of_it(result);
        EXPECT_THAT(left(result, volume)->why, HasSubstr("made to fail"));
        EXPECT_THAT(machine.system.commands(),
                    Contains("cryptsetup --disable-locks close " + volume));
    }
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));

    machine.system.fail_command.clear();
    const ReinstallResult again = machine.apply();
    EXPECT_EQ(exit_code_of(again), 0) << all_of_it(again);
    EXPECT_THAT(machine.mounted(), Contains("/lv"));
}

TEST(VolumeGroups, ACopyBesideItsOriginalStaysClosed) {
    LvmMachine lvm;
    lvm.machine.system.add_disk("sdo", testing::kGib, {"LVM2_member", "pv-1", "", false});
    const ReinstallResult result = lvm.machine.apply();

    EXPECT_EQ(exit_code_of(result), 3);
    EXPECT_THAT(lvm.machine.system.commands(), Not(Contains(HasSubstr("/dev/sdg"))));
    ASSERT_THAT(result.plan.left, ::testing::SizeIs(1)) << all_of_it(result);
    EXPECT_EQ(result.plan.left[0].permission, Permission::rename_volume_groups);
    EXPECT_THAT(result.plan.left[0].why, HasSubstr("'/dev/sdo'"));
}

TEST(VolumeGroups, ACopyIsRenamedWherePermittedAndFstabFollows) {
    LvmMachine lvm;
    lvm.machine.system.add_disk("sdo", testing::kGib, {"LVM2_member", "pv-1", "", false});
    lvm.machine.restore.choices.rename_volume_groups = true;
    const ReinstallResult result = lvm.machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(lvm.machine.system.commands(),
                Contains("vgimportclone --basevgname vgdata_restored /dev/mapper/vol3"));
    EXPECT_EQ(lvm.machine.table("/etc/fstab"),
              RestoredMachine::fstab() + "/dev/vgdata_restored/lv /lv xfs nofail 0 2\n");
    EXPECT_THAT(lvm.machine.mounted(), Contains("/lv"));
    EXPECT_THAT(lvm.machine.apply().done, IsEmpty());
}

TEST(VolumeGroups, WhichIsTheCopyIsNotGuessed) {
    LvmMachine lvm;
    lvm.machine.system.add_disk("sdo", testing::kGib, {"LVM2_member", "pv-1", "", false});
    lvm.machine.restore.choices.rename_volume_groups = true;
    lvm.machine.restore.machine = lvm.machine.restore.point->machine;
    const ReinstallResult result = lvm.machine.apply();
    ASSERT_THAT(result.plan.left, ::testing::SizeIs(1)) << all_of_it(result);
    EXPECT_EQ(result.plan.left[0].code, Code::volume_ambiguous);
    EXPECT_THAT(lvm.machine.system.commands(), Not(Contains(HasSubstr("vgimportclone"))));
}

TEST(VolumeGroups, ANamesakeIsRenamedByItsUuid) {
    LvmMachine lvm;
    lvm.machine.system.add_disk("sdo", testing::kGib, {"LVM2_member", "pv-other", "", false});
    lvm.machine.system.add_group({"other-uuid", "vgdata", {"pv-other"}, {}});
    const ReinstallResult refused = lvm.machine.apply();
    ASSERT_THAT(refused.plan.left, ::testing::SizeIs(1)) << all_of_it(refused);

    lvm.machine.restore.choices.rename_volume_groups = true;
    const ReinstallResult result = lvm.machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(lvm.machine.system.commands(), Contains("vgrename vg-uuid vgdata_restored"));
}

TEST(VolumeGroups, ANewNameStaysWhereItsVolumeIsTakenBack) {
    LvmMachine lvm;
    auto& system = lvm.machine.system;
    system.add_disk("sdo", testing::kGib, {"LVM2_member", "pv-other", "", false});
    system.add_group({"other-uuid", "vgdata", {"pv-other"}, {}});
    lvm.machine.restore.choices.rename_volume_groups = true;
    system.fail_command = " /lv";
    const ReinstallResult result = lvm.machine.apply();
    ASSERT_NE(left(result, "vol3"), nullptr) << all_of_it(result);
    EXPECT_TRUE(result.not_put_back.empty()) << all_of_it(result);
    // Both say the same.
    EXPECT_THAT(lvm.machine.table("/etc/fstab"), HasSubstr("/dev/vgdata_restored/lv /lv"));
    EXPECT_THAT(system.state(), HasSubstr("vgdata_restored vg-uuid\n"));
    EXPECT_THAT(reinstall_text(result), HasSubstr("rename the volume group 'vgdata'"));

    system.fail_command.clear();
    const ReinstallResult again = lvm.machine.apply();
    EXPECT_EQ(exit_code_of(again), 0) << all_of_it(again);
    EXPECT_THAT(lvm.machine.mounted(), Contains("/lv"));
}

class TakenBack : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(WithAndWithoutAutomaticActivation, TakenBack, ::testing::Bool());

TEST_P(TakenBack, AGroupIsOnAllItsVolumes) {
    RestoredMachine machine;
    machine.system.auto_activation = GetParam();
    put_group_on_two(machine, {{"/lv0", "xfs", "fs-lv0", "/dev/vgdata/lv0"},
                               {"/lv1", "xfs", "fs-lv1", "/dev/vgdata/lv1"}});
    machine.system.files["/etc/fstab"] = RestoredMachine::fstab_line(2) + "\n";
    machine.system.add_group(
        {"vg-uuid",
         "vgdata",
         {"pv-0", "pv-1"},
         {{"lv0", {"xfs", "fs-lv0", "", false}}, {"lv1", {"xfs", "fs-lv1", "", false}}}});
    machine.system.fail_command = " /lv1";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3) << all_of_it(result);
    EXPECT_THAT(result.not_put_back, IsEmpty()) << all_of_it(result);
    for (const std::string volume : {"vol0", "vol1"}) {
        EXPECT_NE(left(result, volume), nullptr) << all_of_it(result);
        EXPECT_THAT(machine.system.state(), Not(HasSubstr("/dev/mapper/" + volume + " " + volume)));
    }
    EXPECT_THAT(machine.mounted(), ElementsAre("/data2", "/mnt/azure_bek_disk"));
}

TEST(Mounts, AnXfsBesideItsOriginalIsMountedWithoutItsUuid) {
    RestoredMachine machine;
    machine.system.add_disk("sdo", testing::kGib, {"xfs", "fs-1", "", false});
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(),
                Contains("mount -t xfs -o nofail,defaults,nouuid /dev/mapper/vol1 /data1"));
}

TEST(Mounts, ABtrfsBesideItsOriginalIsNotMounted) {
    RestoredMachine machine;
    machine.system.add_inside("/dev/sdc", RestoredMachine::key(0), {"btrfs", "fs-0", "", false});
    machine.system.add_disk("sdo", testing::kGib, {"btrfs", "fs-0", "", false});
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));
    EXPECT_EQ(result.plan.left.front().code, Code::volume_ambiguous);
}

TEST(Mounts, WhatIsMountedThereAlreadyIsNotCovered) {
    RestoredMachine machine;
    machine.system.add_mount("/dev/sdz", "/data0");
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3);
    EXPECT_THAT(result.plan.left.front().why, HasSubstr("'/dev/sdz' is mounted there already"));
}

TEST(LvPath, UnderstandsBothForms) {
    EXPECT_EQ(parse_lv_path("/dev/vg/lv"), (LvPath{"vg", "lv"}));
    EXPECT_EQ(parse_lv_path("/dev/mapper/my--vg-lv--1"), (LvPath{"my-vg", "lv-1"}));
    EXPECT_EQ(parse_lv_path("/dev/mapper/plain"), std::nullopt);
    EXPECT_EQ(parse_lv_path("/dev/mapper/a-b-c"), std::nullopt);
    EXPECT_EQ(parse_lv_path("/dev/disk/by-uuid/1"), std::nullopt);
    EXPECT_EQ(parse_lv_path("UUID=1"), std::nullopt);
    EXPECT_EQ(lv_path({"vg", "lv"}), "/dev/vg/lv");
}

TEST(LvmReport, IsPutTogetherFromBothTables) {
    RestoreDevice active;
    active.block.dm_uuid = "LVM-vguuid1lvuuid1";
    const auto groups = parse_lvm_report(
        R"({"report":[{"pv":[
          {"vg_name":"vg","vg_uuid":"vg-uuid-1","pv_name":"/dev/sda","vg_missing_pv_count":"1"},
          {"vg_name":"vg","vg_uuid":"vg-uuid-1","pv_name":"[unknown]","vg_missing_pv_count":"1"},
          {"vg_name":"","vg_uuid":"","pv_name":"/dev/sdb","vg_missing_pv_count":""}]}]})",
        R"({"report":[{"lv":[
          {"vg_uuid":"vg-uuid-1","lv_name":"one","lv_uuid":"lv-uuid-1","lv_attr":"-wi-a-----"},
          {"vg_uuid":"vg-uuid-1","lv_name":"two","lv_uuid":"lv-uuid-2","lv_attr":"-wi-------"},
          {"vg_uuid":"vg-uuid-1","lv_name":"pool","lv_uuid":"lv-uuid-3","lv_attr":"twi-------"},
          {"vg_uuid":"unknown","lv_name":"x","lv_uuid":"y","lv_attr":"-"}]}]})",
        {active});
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].name, "vg");
    EXPECT_THAT(groups[0].devices, ElementsAre("/dev/sda"));
    EXPECT_THAT(groups[0].volumes, ElementsAre("one", "two", "pool"));
    EXPECT_THAT(groups[0].inactive, ElementsAre("two"));
    EXPECT_TRUE(groups[0].incomplete);
    EXPECT_THAT(parse_lvm_report("no JSON", "[]", {}), IsEmpty());
}

}  // namespace
}  // namespace stillpoint
