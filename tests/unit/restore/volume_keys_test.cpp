// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/restore/restored_machine.h"

namespace stillpoint {
namespace {

using testing::all_of_it;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::left;
using testing::RestoredMachine;

void forget_the_passport(RestoredMachine& machine) {
    machine.restore.point.reset();
    machine.restore.point_problem = "none";
}

/// What is on the disks of the first two volumes, the other way round.
void swap_disks(RestoredMachine& machine) {
    for (const auto& [disk, was, type] :
         {std::tuple("/dev/sdc", 1, "xfs"), std::tuple("/dev/sdd", 0, "ext4")}) {
        machine.system.add_header(disk, testing::luks(fmt::format("uuid-{}", was)),
                                  RestoredMachine::key(was));
        machine.system.add_inside(disk, RestoredMachine::key(was),
                                  {type, fmt::format("fs-{}", was), "", false});
    }
}

TEST(VolumeKeys, TellWhereTheDisksOfLinesThatNamePlacesAreNow) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdd vol0")));
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdc vol1")));
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol0 " + RestoredMachine::lun_link(1) + " "));
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol1 " + RestoredMachine::lun_link(0) + " "));
    EXPECT_EQ(exit_code_of(machine.apply()), 0);
}

TEST(VolumeKeys, TheOneOfTwoThatIsThereIsTakenForItself) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    machine.system.forget_header("/dev/sdd");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdc vol1")));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));
}

TEST(VolumeKeys, AnothersKeyDoesNotMakeADiskTheLines) {
    RestoredMachine machine;
    forget_the_passport(machine);
    machine.system.add_header("/dev/sdc", testing::luks("uuid-9"), RestoredMachine::key(9));
    machine.system.add_inside("/dev/sdc", RestoredMachine::key(9), {"ext4", "fs-9", "", false});
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(9), RestoredMachine::key(9));
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("--device vol0=PATH"));
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr("/dev/sdc vol0"))));

    machine.restore.choices.devices["vol0"] = "/dev/sdc";
    EXPECT_EQ(left(machine.apply(), "vol0"), nullptr);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdc vol0")));
}

TEST(VolumeKeys, AKeyThatSeveralLinesNameTellsNothing) {
    RestoredMachine machine;
    forget_the_passport(machine);
    machine.system.forget_header("/dev/sdc");
    machine.system.files["/etc/crypttab"] =
        "vol0 " + RestoredMachine::lun_link(0) + " /mnt/azure_bek_disk/" +
        RestoredMachine::key_name(1) + " luks,nofail\n" + RestoredMachine::crypttab_line(1) + "\n";
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdd vol1")));
    EXPECT_THAT(machine.mounted(), Contains("/data1"));
}

TEST(VolumeKeys, TwoKeyVolumesHaveTwoPlaces) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(1));
    machine.system.add_disk("sdy1", 48 << 20, {"vfat", "BEEF-0002", "BEK VOLUME", false});
    machine.system.add_key("/dev/sdy1", RestoredMachine::key_name(1), RestoredMachine::key(1));
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data1", "/data2", "/mnt/azure_bek_disk",
                                               "/run/stillpoint/keys/sdy1"));
    EXPECT_THAT(result.plan.findings,
                Contains(HasSubstr("'/dev/sdb1', '/dev/sdy1' are all named 'BEK VOLUME'")));
    // No line may name a place that the next start does not have.
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
}

TEST(VolumeKeys, OfAHeaderInAFileThatIsHalfWayNoDiskIsAdvisedThatNobodyNamed) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-2");
    header.reencrypting = true;
    machine.system.add_header(RestoredMachine::header_file(2), header, RestoredMachine::key(2));
    // Another disk is as blank and as large.
    machine.system.add_disk("sdn", 3 * testing::kGib);
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol2"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "vol2")->why, HasSubstr("--resume-only DEVICE --header " +
                                                     RestoredMachine::header_file(2) + "'"));
    EXPECT_THAT(left(result, "vol2")->why, HasSubstr("which device is its own cannot be told"));
    EXPECT_THAT(left(result, "vol2")->why, ::testing::Not(HasSubstr("/dev/sd")));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data1", "/mnt/azure_bek_disk"));

    machine.restore.choices.devices["vol2"] = "/dev/sdn";
    EXPECT_THAT(left(machine.apply(), "vol2")->why, HasSubstr("--resume-only /dev/sdn --header"));
}

TEST(VolumeKeys, AnUnknownDiskThatIsHalfWayIsNotAdvisedToBeOpened) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-8");
    header.reencrypting = true;
    machine.add_attached(8, "sdh", "uuid-8", {"ext4", "fs-8", "", false});
    machine.system.add_header("/dev/sdh", header, RestoredMachine::key(2));
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "/dev/sdh"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/dev/sdh")->why, HasSubstr("--resume-only /dev/sdh'"));
    EXPECT_THAT(left(result, "/dev/sdh")->why, ::testing::Not(HasSubstr("crypttab")));
}

/// A disk of which only the lines inside it tell, so that the tables have to wait for them.
void add_unknown_disk(RestoredMachine& machine) {
    machine.add_attached(8, "sdh", "uuid-8", {"ext4", "fs-8", "", false});
    machine.system.add_header("/dev/sdh", testing::luks("uuid-8"), RestoredMachine::key(2));
    machine.system.add_inside("/dev/sdh", RestoredMachine::key(2), {"ext4", "fs-8", "", false});
    machine.system.add_file_inside("fs-8", "/.azure_ade_backup_mount_info/crypttab_line",
                                   "vol8 /dev/disk/azure/scsi1/lun8 /mnt/azure_bek_disk/" +
                                       RestoredMachine::key_name(2) + " luks,nofail\n");
    machine.system.add_file_inside("fs-8", "/.azure_ade_backup_mount_info/fstab_line",
                                   "/dev/mapper/vol8 /data8 ext4 nofail,defaults 0 2\n");
}

TEST(VolumeKeys, AMovedDiskIsItsVolumesWhenItIsOpenToo) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    add_unknown_disk(machine);
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol0 " + RestoredMachine::lun_link(1) + " "));
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol1 " + RestoredMachine::lun_link(0) + " "));
    EXPECT_THAT(machine.mounted(),
                ElementsAre("/data0", "/data1", "/data2", "/data8", "/mnt/azure_bek_disk"));
}

TEST(VolumeKeys, AKilledRunThatOpenedAMovedDiskIsGoneOnWith) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    (void)machine.system.make_folder("/keys");
    (void)machine.system.run({"mount", "/dev/sdb1", "/keys"}, {});
    for (const auto& [disk, volume] : {std::pair("/dev/sdd", 0), std::pair("/dev/sdc", 1)}) {
        (void)machine.system.run(
            {"cryptsetup", "open", "--key-file", "/keys/" + RestoredMachine::key_name(volume), disk,
             RestoredMachine::name(volume)},
            {});
    }
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.table("/etc/crypttab"),
                HasSubstr("vol0 " + RestoredMachine::lun_link(1) + " "));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data1", "/data2", "/keys"));
}

TEST(VolumeKeys, OfTwinsTheKeyTellsNone) {
    RestoredMachine machine;
    forget_the_passport(machine);
    machine.system.forget_header("/dev/sdc");
    for (const std::string disk : {"sdh", "sdt"}) {
        machine.system.add_disk(disk, testing::kGib, {"crypto_LUKS", "uuid-0", "", false});
        machine.system.add_header("/dev/" + disk, testing::luks("uuid-0"), RestoredMachine::key(0));
        machine.system.add_inside("/dev/" + disk, RestoredMachine::key(0),
                                  {"ext4", "fs-0", "", false});
    }
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("'/dev/sdh', '/dev/sdt' have the same"));
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr(" vol0"))));
    // Nor is either looked into, or to be given a line.
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr("/dev/sdh"))));
    EXPECT_EQ(left(result, "/dev/sdt"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(RestoredMachine::crypttab_line(0)));
}

TEST(VolumeKeys, ADiskWhoseUuidAnotherLineNamesIsThatLines) {
    RestoredMachine machine;
    forget_the_passport(machine);
    machine.system.forget_header("/dev/sdc");
    machine.add_attached(7, "sdh", "uuid-7", {"ext4", "fs-7", "", false});
    machine.system.add_header("/dev/sdh", testing::luks("uuid-7"), RestoredMachine::key(0));
    machine.system.add_inside("/dev/sdh", RestoredMachine::key(0), {"ext4", "fs-7", "", false});
    machine.system.files["/etc/crypttab"] +=
        "vol7 UUID=uuid-7 /mnt/azure_bek_disk/LinuxPassPhraseFileName_1_7 luks,nofail\n";
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_unreadable);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdh vol7")));
}

TEST(VolumeKeys, AVolumeWhoseKeyIsLostDoesNotTakeTheDiskOfAnothers) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(1));
    machine.system.files["/etc/crypttab"] = RestoredMachine::crypttab_line(1) + "\n" +
                                            RestoredMachine::crypttab_line(0) + "\n" +
                                            RestoredMachine::crypttab_line(2) + "\n";
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdd vol0")));
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr(" vol1"))));
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(RestoredMachine::crypttab_line(1)));
}

TEST(VolumeKeys, AKeyThatSeveralLinesNameIsNoReasonToDoubtAPlace) {
    RestoredMachine machine;
    forget_the_passport(machine);
    // Its line names the first volume's key, and a key that no line names opens it.
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(9), RestoredMachine::key(1));
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(1));
    std::string& crypttab = machine.system.files["/etc/crypttab"];
    const std::string name = RestoredMachine::key_name(1);
    crypttab.replace(crypttab.find(name), name.size(), RestoredMachine::key_name(0));
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/data1"));
}

TEST(VolumeKeys, WhatIsOpenInItsPlaceIsNotDoubtedForItsKey) {
    RestoredMachine machine;
    forget_the_passport(machine);
    ASSERT_EQ(exit_code_of(machine.apply()), 0);
    const std::string before = machine.table("/etc/crypttab");
    // It got another key since; its old disk is attached as well.
    machine.system.add_header("/dev/sdc", testing::luks("uuid-0"), "a passphrase");
    machine.add_attached(5, "sdo", "uuid-5", {"ext4", "fs-5", "", false});
    machine.system.add_header("/dev/sdo", testing::luks("uuid-5"), RestoredMachine::key(0));
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(machine.table("/etc/crypttab"), before);
}

TEST(VolumeKeys, DoNotTakeADiskThatAPersonGaveToAnother) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    machine.restore.choices.devices["vol1"] = "/dev/sdd";
    const ReinstallResult result = machine.apply();
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdd vol1")));
    EXPECT_EQ(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr("/dev/sdd vol0"))));
}

TEST(VolumeKeys, OneContentUnderTwoNamesTellsNothing) {
    RestoredMachine machine;
    forget_the_passport(machine);
    machine.system.forget_header("/dev/sdc");
    // Both names open the second volume's disk.
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(0), RestoredMachine::key(1));
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdd vol1")));
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr(" vol0"))));
}

TEST(VolumeKeys, OneNameWithTwoContentsTellsNothing) {
    RestoredMachine machine;
    forget_the_passport(machine);
    swap_disks(machine);
    machine.system.add_disk("sdy1", 48 << 20, {"vfat", "BEEF-0002", "BEK VOLUME", false});
    machine.system.add_key("/dev/sdy1", RestoredMachine::key_name(0), "another machine's");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.system.commands(), ::testing::Not(Contains(HasSubstr("/dev/sdd vol0"))));
}

TEST(VolumeKeys, AreMountedAtTheirPlaceThoughALineOfTheTemporaryDiskIsLeft) {
    RestoredMachine machine;
    machine.system.files["/etc/fstab"] +=
        "/dev/disk/cloud/azure_resource-part1 /mnt auto defaults,nofail 0 2\n";
    EXPECT_EQ(exit_code_of(machine.apply()), 0);
    EXPECT_THAT(machine.mounted(), Contains("/mnt/azure_bek_disk"));
}

TEST(VolumeKeys, AreMountedWhereNoVolumeHasToBeMountedAround) {
    RestoredMachine machine;
    machine.mount_at(0, "/mnt");
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(),
                ElementsAre("/data1", "/data2", "/mnt", "/run/stillpoint/keys/sdb1"));
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
}

}  // namespace
}  // namespace stillpoint
