// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/restore/restored_machine.h"

namespace stillpoint {
namespace {

using testing::all_of_it;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::left;
using ::testing::Not;
using testing::RestoredMachine;

void set_crypttab(RestoredMachine& machine, const std::string& first_line) {
    machine.system.files["/etc/crypttab"] = first_line + "\n" + RestoredMachine::crypttab_line(1) +
                                            "\n" + RestoredMachine::crypttab_line(2) + "\n";
}

TEST(TableLines, ACorrectedLineKeepsItsComment) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(0));
    machine.system.add_key("/dev/sdb1", "LinuxPassPhraseFileName", RestoredMachine::key(0));
    set_crypttab(machine, RestoredMachine::crypttab_line(0) + "  # the database, ask Ann");
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("/LinuxPassPhraseFileName luks,nofail # the database, ask Ann\n"));
}

TEST(TableLines, ALineThatIsNotUnderstoodStays) {
    RestoredMachine machine;
    set_crypttab(machine, "osencrypt /dev/sda3 none luks\n" + RestoredMachine::crypttab_line(0) +
                              " and more");
    const std::string before = machine.table("/etc/crypttab");
    const ReinstallResult result = machine.apply();
    // The passport tells what it said.
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
    EXPECT_EQ(machine.table("/etc/crypttab"), before);
    EXPECT_THAT(result.plan.findings, Contains(HasSubstr("'/etc/crypttab' line 2: ")));
    EXPECT_EQ(exit_code_of(result), 3);
    ASSERT_NE(left(result, "/etc/crypttab"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/etc/crypttab")->why, HasSubstr("its line of 'vol0'"));
}

TEST(TableLines, ALineThatIsNotUnderstoodHidesNoneBehindIt) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(0));
    machine.system.add_key("/dev/sdb1", "LinuxPassPhraseFileName", RestoredMachine::key(0));
    const std::string broken = RestoredMachine::crypttab_line(0) + " and more\n";
    set_crypttab(machine, broken + RestoredMachine::crypttab_line(0));
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(broken));
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("/mnt/azure_bek_disk/LinuxPassPhraseFileName luks,nofail\n"));
}

TEST(TableLines, AVolumeThatStoodInNoTableGetsNoLine) {
    RestoredMachine machine;
    machine.add_attached(7, "sdh", "uuid-7", {"ext4", "fs-7", "", false});
    machine.system.files["/root/key"] = RestoredMachine::key(7);
    EncryptedVolume volume;
    volume.mapper = "byhand";
    volume.device_path = "/dev/sdh";
    volume.header = testing::luks("uuid-7");
    volume.key_file = "/root/key";
    volume.mounts = {{"/byhand", "ext4", "fs-7", "/dev/mapper/byhand"}};
    machine.restore.point->encryption.volumes.push_back(volume);
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/byhand"));
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
}

TEST(TableLines, NoLineIsWrittenForAVolumeWhoseDeviceIsAnothers) {
    RestoredMachine machine;
    machine.restore.point->encryption.crypttab.push_back(
        {"again", RestoredMachine::lun_link(0), "/root/key", "luks"});
    machine.system.files.erase("/etc/crypttab");
    machine.system.files["/root/key"] = RestoredMachine::key(0);
    for (const ReinstallResult& result : {machine.preview(), machine.apply()}) {
        ASSERT_NE(left(result, "again"), nullptr) << all_of_it(result);
        EXPECT_EQ(left(result, "again")->code, Code::volume_ambiguous);
    }
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(RestoredMachine::crypttab_line(0)));
    EXPECT_THAT(machine.table("/etc/crypttab"), Not(HasSubstr("again")));
}

TEST(TableLines, NoautoStaysClosedUnlessItWasOpenOrIsAskedFor) {
    RestoredMachine machine;
    set_crypttab(machine, RestoredMachine::crypttab_line(0) + ",noauto");
    const ReinstallResult closed = machine.apply();
    EXPECT_EQ(exit_code_of(closed), 0) << all_of_it(closed);
    EXPECT_THAT(closed.plan.findings, Contains(HasSubstr("'vol0' stays closed")));
    EXPECT_THAT(machine.mounted(), Not(Contains("/data0")));

    RestoredMachine asked = machine;
    asked.restore.choices.devices["vol0"] = "/dev/sdc";
    EXPECT_EQ(exit_code_of(asked.apply()), 0);
    EXPECT_THAT(asked.mounted(), Contains("/data0"));

    machine.restore.point->encryption.volumes[0].open = true;
    EXPECT_EQ(exit_code_of(machine.apply()), 0);
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
}

TEST(TableLines, WithIntegrityTheLineNamesTheOuterDevice) {
    RestoredMachine machine;
    set_crypttab(machine, "vol0 UUID=uuid-0 /mnt/azure_bek_disk/LinuxPassPhraseFileName luks");
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(0));
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(5), RestoredMachine::key(0));
    RestoreDevice& between = machine.system.add_disk("dm-8", testing::kGib);
    between.block.kind = BlockKind::dm_other;
    between.block.dm_name = "vol0_dif";
    between.block.below = {"sdc"};
    RestoreDevice& open =
        machine.system.add_disk("dm-9", testing::kGib, {"ext4", "fs-0", "", false});
    open.block.kind = BlockKind::dm_crypt;
    open.block.dm_name = "vol0";
    open.block.dm_uuid = "CRYPT-LUKS2-uuid0-vol0";
    open.block.below = {"dm-8"};
    open.path = "/dev/mapper/vol0";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(left(result, "vol0"), nullptr) << all_of_it(result);
    // The key was proven on the disk: what lies between has no header.
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol0 UUID=uuid-0 /mnt/azure_bek_disk/" + RestoredMachine::key_name(5)));
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
}

}  // namespace
}  // namespace stillpoint
