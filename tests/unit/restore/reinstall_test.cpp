// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/format.h"
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

const std::vector<std::string> kAllMounted = {"/data0", "/data1", "/data2", "/mnt/azure_bek_disk"};

TEST(Reinstall, BringsEverythingBackAndThenHasNothingToDo) {
    RestoredMachine machine;
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(result.plan.restored, true);
    EXPECT_EQ(machine.mounted(), kAllMounted);
    // The tables were right: they are as they were, and no copy was made.
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
    EXPECT_THAT(result.copies, IsEmpty());
    for (const std::string& command : machine.system.commands()) {
        if (command.starts_with("cryptsetup")) {
            EXPECT_THAT(command, HasSubstr("--disable-locks"));
        }
    }

    const std::string before = machine.system.state();
    const int changes = machine.system.changes();
    const ReinstallResult again = machine.apply();
    EXPECT_THAT(again.done, IsEmpty()) << all_of_it(again);
    EXPECT_EQ(exit_code_of(again), 0);
    EXPECT_EQ(machine.system.state(), before);
    EXPECT_EQ(machine.system.changes(), changes);
}

TEST(Reinstall, ChangesNothingWithoutBeingTold) {
    RestoredMachine machine;
    const std::string before = machine.system.state();
    const ReinstallResult result = machine.preview();

    EXPECT_EQ(machine.system.changes(), 0);
    EXPECT_EQ(machine.system.state(), before);
    EXPECT_EQ(exit_code_of(result), 3);
    const std::string text = reinstall_text(result);
    EXPECT_THAT(text, HasSubstr("open '/dev/sdc' as 'vol0'"));
    EXPECT_THAT(text, HasSubstr("its header in '/var/lib/azure_disk_encryption_config/"
                                "azureluksheadervol2'"));
    EXPECT_THAT(text, HasSubstr("mount '/dev/mapper/vol1' at '/data1'"));
}

TEST(Reinstall, AKeyFileThatIsGoneIsNamedAlthoughOthersWereTried) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(1));
    const ReinstallResult result = machine.apply();

    ASSERT_NE(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol1")->code, Code::key_missing);
    EXPECT_THAT(left(result, "vol1")->why, HasSubstr("its own key file is not there"));
    EXPECT_THAT(result.plan.by_hand, Contains(HasSubstr("https://kv/secrets/s/1")));
}

TEST(Reinstall, AKeyMayBeAPartOfItsFile) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(0));
    machine.system.files["/root/keys"] = "other" + RestoredMachine::key(0) + "rest";
    const std::string part =
        fmt::format("keyfile-offset=5,keyfile-size={}", RestoredMachine::key(0).size());
    machine.system.files["/etc/crypttab"] =
        "vol0 /dev/disk/azure/scsi1/lun0 /root/keys luks,nofail," + part + "\n";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
}

TEST(Reinstall, AKeyThatFitsNotLeavesThatVolumeAndNamesItsSecret) {
    RestoredMachine machine;
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(1), "another key");
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 3);
    ASSERT_NE(left(result, "vol1"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol1")->code, Code::key_mismatch);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data2", "/mnt/azure_bek_disk"));
    EXPECT_THAT(result.plan.by_hand, Contains(HasSubstr("https://kv/secrets/s/1")));
    // Its line stays: it is right.
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
}

TEST(Reinstall, UnknownSecretsAreNamedUnknown) {
    RestoredMachine machine;
    machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(1), "another key");
    machine.restore.point->encryption.volumes[1].keys = {};
    EXPECT_THAT(machine.preview().plan.by_hand, Contains(HasSubstr("is unknown")));
}

TEST(Reinstall, ADamagedHeaderIsReportedAndNotTouched) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("");
    header.state = HeaderState::damaged;
    header.problem = "both copies have a wrong checksum";
    machine.system.add_header("/dev/sdc", header, "nobody's");
    machine.restore.choices.repair_headers = true;
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 3);
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::header_damaged);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("wrong checksum"));
    EXPECT_THAT(result.plan.by_hand, Contains(HasSubstr("another recovery point")));
    EXPECT_THAT(machine.system.commands(), Not(Contains(HasSubstr("mode repair"))));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, AWipedHeaderIsADamagedOne) {
    RestoredMachine machine;
    machine.system.forget_header("/dev/sdc");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::header_damaged);
    EXPECT_THAT(result.plan.by_hand, Contains(HasSubstr("another recovery point")));
}

TEST(Reinstall, OneDamagedCopyOpensWithoutBeingWritten) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-0");
    header.state = HeaderState::one_copy_damaged;
    machine.system.add_header("/dev/sdc", header, RestoredMachine::key(0));
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(machine.mounted(), kAllMounted);
    EXPECT_THAT(machine.system.commands(), Not(Contains(HasSubstr("mode repair"))));
    ASSERT_NE(left(result, "vol0"), nullptr);
    EXPECT_EQ(left(result, "vol0")->code, Code::needs_permission);
    EXPECT_EQ(left(result, "vol0")->permission, Permission::repair_headers);

    // With the permission it is mended, and what was there is kept.
    machine.restore.choices.repair_headers = true;
    const ReinstallResult mended = machine.apply();
    EXPECT_EQ(exit_code_of(mended), 0) << all_of_it(mended);
    EXPECT_THAT(machine.system.commands(), Contains("cryptsetup --batch-mode repair /dev/sdc"));
    EXPECT_EQ(machine.system.files.at("/var/lib/stillpoint/header-uuid-0"),
              "16777216 bytes of /dev/sdc");
}

TEST(Reinstall, ChangedDiskOrderIsSeenAndTheLinesCorrected) {
    RestoredMachine machine;
    // The disks come back under each other's LUN.
    RestoredMachine swapped;
    swapped.system = testing::FakeRestoreSystem();
    auto& system = swapped.system;
    system.files = machine.system.files;
    system.tool_output = machine.system.tool_output;
    system.add_disk("sdb1", 48 << 20, {"vfat", "BEEF-0001", "BEK VOLUME", false});
    for (int lun = 0; lun < 3; ++lun) {
        system.add_key("/dev/sdb1", RestoredMachine::key_name(lun), RestoredMachine::key(lun));
    }
    for (const auto& [disk, lun, was, type] :
         {std::tuple("sdc", 0, 1, "xfs"), std::tuple("sdd", 1, 0, "ext4")}) {
        system.add_disk(disk, testing::kGib,
                        {"crypto_LUKS", fmt::format("uuid-{}", was), "", false},
                        {RestoredMachine::lun_link(lun)});
        system.add_header(std::string("/dev/") + disk, testing::luks(fmt::format("uuid-{}", was)),
                          RestoredMachine::key(was));
        system.add_inside(std::string("/dev/") + disk, RestoredMachine::key(was),
                          {type, fmt::format("fs-{}", was), "", false});
    }
    // Beside the volume whose header is in a file lies an empty disk of the same size, in its
    // place.
    system.add_disk("sde", 3 * testing::kGib, {}, {RestoredMachine::lun_link(2)});
    system.add_disk("sdf", 3 * testing::kGib, {}, {RestoredMachine::lun_link(3)});
    system.add_header(RestoredMachine::header_file(2), testing::luks("uuid-2"),
                      RestoredMachine::key(2));
    system.add_inside("/dev/sdf", RestoredMachine::key(2), {"ext4", "fs-2", "", false});

    const ReinstallResult result = swapped.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(swapped.mounted(), kAllMounted);
    const std::string table = swapped.table("/etc/crypttab");
    EXPECT_THAT(table, HasSubstr("vol0 /dev/disk/azure/scsi1/lun1 "
                                 "/mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0"));
    EXPECT_THAT(table, HasSubstr("vol1 /dev/disk/azure/scsi1/lun0 "));
    EXPECT_THAT(table, HasSubstr("vol2 /dev/disk/azure/scsi1/lun3 "));
    EXPECT_THAT(result.copies, ElementsAre(HasSubstr("/etc/crypttab.stillpoint-")));
    EXPECT_EQ(swapped.system.files.at(result.copies[0]), RestoredMachine::crypttab());
}

TEST(Reinstall, ALostCrypttabIsRebuiltFromThePassport) {
    RestoredMachine machine;
    machine.system.files.erase("/etc/crypttab");
    machine.system.files["/etc/fstab"] = "/dev/mapper/osencrypt / ext4 defaults 0 1\n";
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(machine.mounted(), kAllMounted);
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(RestoredMachine::crypttab_line(2)));
    EXPECT_THAT(machine.table("/etc/fstab"), HasSubstr(RestoredMachine::fstab_line(1)));
    EXPECT_THAT(machine.table("/etc/fstab"), HasSubstr("LABEL=BEK\\040VOLUME"));
}

/// Neither passport nor crypttab, but the lines that two of the volumes keep in their filesystems.
void leave_only_the_lines_inside(RestoredMachine& machine) {
    machine.restore.point.reset();
    machine.restore.point_problem = "none";
    machine.system.files.erase("/etc/crypttab");
    machine.system.files["/etc/fstab"] = "/dev/mapper/osencrypt / ext4 defaults 0 1\n";
    for (int lun = 0; lun < 2; ++lun) {
        const std::string folder = "/.azure_ade_backup_mount_info/";
        const std::string uuid = fmt::format("fs-{}", lun);
        machine.system.add_file_inside(uuid, folder + "crypttab_line",
                                       "\n" + RestoredMachine::crypttab_line(lun));
        machine.system.add_file_inside(uuid, folder + "fstab_line",
                                       RestoredMachine::fstab_line(lun) + "\n");
    }
}

TEST(Reinstall, WithoutPassportALostCrypttabIsRebuiltFromTheLinesInside) {
    RestoredMachine machine;
    leave_only_the_lines_inside(machine);
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data1", "/mnt/azure_bek_disk"));
    EXPECT_EQ(machine.table("/etc/crypttab"),
              RestoredMachine::crypttab_line(0) + "\n" + RestoredMachine::crypttab_line(1) + "\n");
    EXPECT_THAT(machine.table("/etc/fstab"), HasSubstr(RestoredMachine::fstab_line(1)));
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("--readonly")));
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("ro,norecovery,nouuid")));
}

TEST(Reinstall, TwinsThatKeepTheSameLinesAreLeft) {
    RestoredMachine machine;
    leave_only_the_lines_inside(machine);
    machine.add_attached(0, "sdx", "uuid-0", {"ext4", "fs-0", "", false});
    const ReinstallResult result = machine.apply();

    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, ARootDiskOlderThanTheDataDisksIsSaidAndHarmless) {
    RestoredMachine machine;
    // The passport is from before the disk was encrypted anew, and keys of the other were changed.
    machine.restore.point->encryption.volumes[0].header = testing::luks("older-uuid");
    machine.restore.point->encryption.volumes[1].header.digests.header = "older digest";
    const ReinstallResult result = machine.apply();

    // What is inside is what the passport saw: it is the volume all the same.
    EXPECT_EQ(machine.mounted(), kAllMounted) << all_of_it(result);
    EXPECT_THAT(result.plan.findings, Contains(HasSubstr("'vol0' has another UUID")));
    EXPECT_THAT(result.plan.findings, Contains(HasSubstr("'vol1' is not the one")));

    RestoredMachine other;
    other.restore.point->encryption.volumes[0].header = testing::luks("older-uuid");
    other.restore.point->encryption.volumes[0].mounts[0].uuid = "another filesystem";
    const ReinstallResult left_alone = other.apply();
    ASSERT_NE(left(left_alone, "vol0"), nullptr) << all_of_it(left_alone);
    EXPECT_EQ(left(left_alone, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(other.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, TwoDevicesWithOneHeaderAreLeftUnlessOneIsChosen) {
    RestoredMachine machine;
    machine.add_attached(0, "sdx", "uuid-0", {"ext4", "fs-0", "", false});
    const ReinstallResult result = machine.apply();

    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("'/dev/sdc', '/dev/sdx'"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));

    machine.restore.choices.devices["vol0"] = "/dev/sdx";
    const ReinstallResult chosen = machine.apply();
    EXPECT_EQ(machine.mounted(), kAllMounted) << all_of_it(chosen);
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("/dev/sdx vol0")));
}

TEST(Reinstall, AzureCryptMountRulesWhereItHasDataDisks) {
    RestoredMachine machine;
    const std::string path = std::string(testing::kConfig) + "/azure_crypt_mount";
    std::string lines;
    for (int lun = 0; lun < 3; ++lun) {
        lines += fmt::format("{} {} {} /data{} auto False 0\n", RestoredMachine::name(lun),
                             RestoredMachine::lun_link(lun),
                             lun == 2 ? RestoredMachine::header_file(2) : "None", lun);
    }
    machine.restore.point->encryption.crypttab.clear();
    machine.restore.point->encryption.fstab.clear();
    machine.restore.point->encryption.azure_crypt_mount = parse_azure_crypt_mount(lines).entries();
    machine.system.files["/etc/crypttab"] = "osencrypt /dev/sda3 none luks\n";
    machine.system.files["/etc/fstab"] = "/dev/mapper/osencrypt / ext4 defaults 0 1\n";
    const ReinstallResult result = machine.apply();

    // The table was lost: it is rebuilt, and the other two get no lines.
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(machine.mounted(), kAllMounted);
    EXPECT_EQ(machine.table(path), lines);
    EXPECT_EQ(machine.table("/etc/crypttab"), "osencrypt /dev/sda3 none luks\n");
    EXPECT_EQ(machine.table("/etc/fstab"), "/dev/mapper/osencrypt / ext4 defaults 0 1\n");
}

TEST(Reinstall, WithoutPassportTheTablesAreEnough) {
    RestoredMachine machine;
    machine.restore.point.reset();
    machine.restore.point_problem = "it was never written";
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(machine.mounted(), kAllMounted);
    EXPECT_THAT(result.plan.findings, Contains(HasSubstr("it was never written")));
}

TEST(Reinstall, WorksForARootBelowAFolder) {
    RestoredMachine machine("/mnt/restored");
    // The repair machine has a table of its own, which is none of ours.
    machine.system.files["/etc/crypttab"] = "own /dev/sdz none luks\n";
    machine.system.files["/mnt/restored/etc/crypttab"] = "";
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(),
                ElementsAre("/mnt/restored/data0", "/mnt/restored/data1", "/mnt/restored/data2",
                            "/mnt/restored/mnt/azure_bek_disk"));
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(RestoredMachine::crypttab_line(2)));
    EXPECT_EQ(machine.system.files.at("/etc/crypttab"), "own /dev/sdz none luks\n");
}

TEST(Reinstall, AJournalIsReplayedOnlyWithPermission) {
    RestoredMachine machine;
    machine.system.ext_superblock = testing::FakeRestoreSystem::ext_with_journal();
    const ReinstallResult result = machine.apply();

    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/mnt/azure_bek_disk"));
    ASSERT_NE(left(result, "/data0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "/data0")->code, Code::needs_permission);
    EXPECT_THAT(reinstall_text(result), HasSubstr("--replay-journals mounts it"));

    machine.restore.choices.replay_journals = true;
    const ReinstallResult allowed = machine.apply();
    EXPECT_EQ(exit_code_of(allowed), 0) << all_of_it(allowed);
    EXPECT_EQ(machine.mounted(), kAllMounted);
}

TEST(Reinstall, AFilesystemWithErrorsIsNotMounted) {
    RestoredMachine machine;
    machine.system.tool_exit["e2fsck"] = 4;
    machine.system.tool_output["e2fsck"] = "Inode 12 is broken\n";
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "/data0"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/data0")->why, HasSubstr("Inode 12 is broken"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, AFilesystemThatNothingCanCheckIsNotMountedUnasked) {
    for (const std::string tool : {"e2fsck", "xfs_logprint", "xfs_repair"}) {
        RestoredMachine machine;
        machine.system.missing_tools = {tool};
        const std::string place = tool == "e2fsck" ? "/data0" : "/data1";
        const ReinstallResult without = machine.apply();
        ASSERT_NE(left(without, place), nullptr) << all_of_it(without);
        EXPECT_EQ(left(without, place)->code, Code::needs_permission);
        EXPECT_THAT(left(without, place)->why, HasSubstr("cannot be told: the tool '" + tool));
        EXPECT_THAT(machine.mounted(), Not(Contains(place)));
        machine.restore.choices.replay_journals = true;
        EXPECT_EQ(exit_code_of(machine.apply()), 0);
        EXPECT_THAT(machine.mounted(), Contains(place));
    }
}

TEST(Reinstall, ALogThatIsNotUnderstoodIsNotSaidToHoldMore) {
    RestoredMachine machine;
    machine.system.tool_output["xfs_logprint"] = "a word of a later version\n";
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "/data1"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "/data1")->why,
                HasSubstr("not understood: a word of a later version"));
}

TEST(Reinstall, AFileDeletedWhileOpenIsNoDamage) {
    RestoredMachine machine;
    machine.system.ext_superblock = testing::FakeRestoreSystem::ext_with_orphans();
    machine.system.tool_exit["e2fsck"] = 4;
    machine.system.tool_output["e2fsck"] = "Deleted inode 12 has zero dtime.  Fix? no\n";
    machine.system.tool_exit["xfs_repair"] = 1;
    machine.system.tool_output["xfs_repair"] =
        "agi unlinked bucket 3 is 131 in ag 0 (inode=131)\n"
        "disconnected inode 131, would move to lost+found\n"
        "would have reset inode 131 nlinks from 0 to 1\n";
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
    EXPECT_THAT(machine.mounted(), Contains("/data1"));
    EXPECT_THAT(reinstall_text(result), HasSubstr("deleted while still open are freed"));
    // Where the superblock knows of none, the same words mean damage.
    RestoredMachine other;
    other.system.tool_exit["e2fsck"] = 4;
    other.system.tool_output["e2fsck"] = "Deleted inode 12 has zero dtime.  Fix? no\n";
    EXPECT_NE(left(other.apply(), "/data0"), nullptr);
}

TEST(Reinstall, ResetsTheExtensionsMemory) {
    RestoredMachine machine;
    machine.remember("/var/lib/stillpoint/task", true);
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_EQ(machine.system.files.count("/var/lib/stillpoint/task"), 0U);
    // Every file is named, for people and for programs.
    EXPECT_THAT(reinstall_text(result), HasSubstr("'/var/lib/stillpoint/task'"));
    EXPECT_THAT(reinstall_json(result),
                HasSubstr("\"files\": [\n        \"/var/lib/stillpoint/task\"\n"));
}

TEST(Reinstall, LeavesAMemoryThatMayBeThisMachinesUnlessTold) {
    RestoredMachine machine;
    machine.remember("/var/lib/stillpoint/task", false);
    const ReinstallResult without = machine.apply();
    EXPECT_EQ(exit_code_of(without), 3);
    EXPECT_THAT(reinstall_text(without), HasSubstr("--reset-identity takes them away"));
    EXPECT_EQ(machine.system.files.count("/var/lib/stillpoint/task"), 1U);
    machine.restore.choices.reset_identity = true;
    const ReinstallResult with = machine.apply();
    EXPECT_EQ(exit_code_of(with), 0) << all_of_it(with);
    EXPECT_EQ(machine.system.files.count("/var/lib/stillpoint/task"), 0U);
}

TEST(Reinstall, ARenamedKeyFileIsFoundAndItsLineCorrected) {
    RestoredMachine machine;
    machine.system.forget_key("/dev/sdb1", RestoredMachine::key_name(0));
    machine.system.add_key("/dev/sdb1", "LinuxPassPhraseFileName", RestoredMachine::key(0));
    RestoredMachine opened = machine;
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    const std::string corrected =
        "vol0 /dev/disk/azure/scsi1/lun0 /mnt/azure_bek_disk/LinuxPassPhraseFileName luks,nofail\n";
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr(corrected));

    // Somebody had opened it by hand: its line would fail at the next start all the same.
    opened.system.add_mount("/dev/sdb1", "/keys");
    ASSERT_TRUE(opened.system.run(
        {"cryptsetup", "open", "--key-file", "/keys/LinuxPassPhraseFileName", "/dev/sdc", "vol0"},
        std::chrono::seconds(1)));
    const ReinstallResult again = opened.apply();
    EXPECT_EQ(exit_code_of(again), 0) << all_of_it(again);
    EXPECT_THAT(opened.table("/etc/crypttab"), HasSubstr(corrected));
}

TEST(Reinstall, ARaidOnTopIsMountedByItsLineAloneOrNamed) {
    RestoredMachine machine;
    machine.restore.point.reset();
    machine.system.add_inside("/dev/sdc", RestoredMachine::key(0),
                              {"linux_raid_member", "raid", "", false});
    machine.system.files["/etc/fstab"] = "/dev/md/data /data/md ext4 nofail 0 2\n" +
                                         RestoredMachine::fstab_line(1) + "\n" +
                                         RestoredMachine::fstab_line(2) + "\n";
    const ReinstallResult unassembled = machine.apply();
    ASSERT_NE(left(unassembled, "vol0"), nullptr) << all_of_it(unassembled);
    EXPECT_THAT(left(unassembled, "vol0")->why, HasSubstr("mdadm --assemble"));

    RestoreDevice& raid = machine.system.add_disk("md127", testing::kGib,
                                                  {"ext4", "fs-md", "", false}, {"/dev/md/data"});
    raid.block.kind = BlockKind::md;
    raid.block.below = {"dm-vol0"};
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/data/md"));
}

TEST(Reinstall, EndsAJobThatWaitsForAPassphrase) {
    RestoredMachine machine;
    machine.system.tool_output["systemctl"] = "activating\n";
    EXPECT_EQ(exit_code_of(machine.apply()), 0);
    EXPECT_THAT(machine.system.commands(),
                Contains("systemctl stop systemd-cryptsetup@vol0.service"));
    EXPECT_THAT(machine.system.commands(),
                Contains("systemctl start --no-block systemd-cryptsetup@vol0.service"));
}

TEST(Reinstall, NamesAMissingTool) {
    RestoredMachine machine;
    machine.system.missing_tools = {"cryptsetup"};
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 3);
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("'cryptsetup' is not installed"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/mnt/azure_bek_disk"));
}

TEST(Reinstall, RepairsTheHeaderThatTheRootMeans) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-0");
    header.state = HeaderState::one_copy_damaged;
    machine.system.add_header("/dev/sdc", header, RestoredMachine::key(0));
    machine.system.add_header("/mnt/restored/header", header, RestoredMachine::key(0));
    machine.system.folder_links["/dev/sdc"] = "/mnt/restored/header";
    machine.restore.choices.repair_headers = true;
    (void)machine.apply();
    EXPECT_THAT(machine.system.commands(),
                Contains("cryptsetup --batch-mode repair /mnt/restored/header"));
}

// --- What is open already

void open_by_hand(RestoredMachine& machine, const std::string& device,
                  const std::string& name = "vol0") {
    machine.system.add_mount("/dev/sdb1", "/keys");
    ASSERT_EQ(machine.system
                  .run({"cryptsetup", "open", "--key-file", "/keys/" + RestoredMachine::key_name(0),
                        device, name},
                       std::chrono::seconds(1))
                  ->exit_code,
              0);
}

TEST(Reinstall, AnOriginalThatIsOpenIsNotTakenForItsCopy) {
    RestoredMachine machine;
    machine.add_attached(0, "sdx", "uuid-0", {"ext4", "fs-0", "", false});
    open_by_hand(machine, "/dev/sdx");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/keys"));
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());

    machine.restore.choices.devices["vol0"] = "/dev/sdc";
    const ReinstallResult chosen = machine.apply();
    ASSERT_NE(left(chosen, "vol0"), nullptr) << all_of_it(chosen);
    EXPECT_THAT(left(chosen, "vol0")->why, HasSubstr("--device names '/dev/sdc'"));

    machine.restore.choices.devices["vol0"] = "/dev/sdx";
    EXPECT_THAT(machine.apply().plan.left, IsEmpty());
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
}

TEST(Reinstall, AnotherMachinesOpenVolumeIsNotTakenForTheOneInItsPlace) {
    RestoredMachine machine;
    machine.restore.point.reset();
    machine.restore.point_problem = "none";
    machine.system.add_disk("sdx", testing::kGib, {"crypto_LUKS", "uuid-x", "", false});
    machine.system.add_header("/dev/sdx", testing::luks("uuid-x"), RestoredMachine::key(0));
    machine.system.add_inside("/dev/sdx", RestoredMachine::key(0), {"ext4", "fs-x", "", false});
    open_by_hand(machine, "/dev/sdx");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol0")->code, Code::volume_ambiguous);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("its line means '/dev/sdc'"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/keys"));
}

TEST(Reinstall, WhatAKilledRunHadOpenForALookIsClosedFirst) {
    RestoredMachine machine;
    open_by_hand(machine, "/dev/sdc", "stillpoint-look");
    const ReinstallResult result = machine.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(machine.mounted(), Contains("/data0"));
}

TEST(Reinstall, AVolumeThatIsEncryptedHalfWayIsNotOpened) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-0");
    header.reencrypting = true;
    machine.system.add_header("/dev/sdc", header, RestoredMachine::key(0));
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("--resume-only /dev/sdc"));
    EXPECT_THAT(machine.mounted(), ElementsAre("/data1", "/data2", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, AReadOnlyVolumeIsOpenedReadOnly) {
    RestoredMachine machine;
    std::string& table = machine.system.files["/etc/crypttab"];
    table = RestoredMachine::crypttab_line(0) + ",readonly\n" + RestoredMachine::crypttab_line(1) +
            "\n" + RestoredMachine::crypttab_line(2) + ",read-only\n";
    (void)machine.apply();
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("--readonly /dev/sdc vol0")));
    EXPECT_THAT(machine.system.commands(), Not(Contains(HasSubstr("--readonly /dev/sdd vol1"))));
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("--readonly /dev/sde vol2")));
}

TEST(Reinstall, ADeviceChosenForAHeaderInAFileHasToShowTheRightContent) {
    RestoredMachine machine;
    machine.system.add_disk("sdz", testing::kGib, {"ext4", "somebody", "", false});
    machine.restore.choices.devices["vol2"] = "/dev/sdz";
    const ReinstallResult taken = machine.apply();
    ASSERT_NE(left(taken, "vol2"), nullptr) << all_of_it(taken);
    EXPECT_THAT(left(taken, "vol2")->why, HasSubstr("holds something else"));

    machine.system.add_disk("sdy", testing::kGib);
    machine.restore.choices.devices["vol2"] = "/dev/sdy";
    const ReinstallResult blank = machine.apply();
    ASSERT_NE(left(blank, "vol2"), nullptr) << all_of_it(blank);
    EXPECT_EQ(left(blank, "vol2")->code, Code::volume_ambiguous);
    EXPECT_EQ(machine.table("/etc/crypttab"), RestoredMachine::crypttab());
}

TEST(Reinstall, ADeviceThatCannotBeReadProvesNothing) {
    RestoredMachine machine;
    machine.system.unreadable_inside = {"/dev/sde"};
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol2"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol2")->code, Code::volume_unreadable);
    EXPECT_THAT(machine.mounted(), ElementsAre("/data0", "/data1", "/mnt/azure_bek_disk"));
}

TEST(Reinstall, ALineIsNotCorrectedToADeviceThatNothingProves) {
    RestoredMachine machine;
    machine.restore.point.reset();
    machine.restore.point_problem = "none";
    machine.system.files["/etc/crypttab"] =
        "vol0 /dev/gone /mnt/azure_bek_disk/LinuxPassPhraseFileName_1_9 "
        "luks,nofail,header=" +
        RestoredMachine::header_file(2) + "\n";
    for (int lun = 0; lun < 3; ++lun) {
        machine.system.add_key("/dev/sdb1", RestoredMachine::key_name(lun), "wrong");
    }
    const std::string before = machine.table("/etc/crypttab");
    const ReinstallResult result = machine.apply();
    ASSERT_NE(left(result, "vol0"), nullptr) << all_of_it(result);
    EXPECT_EQ(machine.table("/etc/crypttab"), before);
}

TEST(Reinstall, NeitherKeepsNorWritesAUuidThatTwoDevicesHave) {
    RestoredMachine machine;
    machine.add_attached(0, "sdx", "uuid-0", {"ext4", "fs-0", "", false});
    machine.restore.choices.devices["vol0"] = "/dev/sdx";
    machine.system.files["/etc/crypttab"] =
        "vol0 UUID=uuid-0 /mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0 luks,nofail\n" +
        RestoredMachine::crypttab_line(1) + "\n" + RestoredMachine::crypttab_line(2) + "\n";
    (void)machine.apply();
    EXPECT_THAT(machine.table("/etc/crypttab"), HasSubstr("vol0 /dev/disk/azure/scsi1/lun0 "));
}

TEST(Reinstall, AHeaderIsRepairedOnlyWhereAKeyShowsItsWorth) {
    RestoredMachine machine;
    EncryptionHeader header = testing::luks("uuid-0");
    header.state = HeaderState::one_copy_damaged;
    machine.restore.choices.repair_headers = true;
    machine.system.add_header("/dev/sdc", header, "nobody's");
    (void)machine.apply();
    EXPECT_THAT(machine.system.commands(), Not(Contains(HasSubstr("mode repair"))));

    header.reencrypting = true;
    machine.system.add_header("/dev/sdc", header, RestoredMachine::key(0));
    const ReinstallResult result = machine.apply();
    EXPECT_THAT(machine.system.commands(), Not(Contains(HasSubstr("mode repair"))));
    EXPECT_THAT(left(result, "vol0")->why, HasSubstr("re-encrypted")) << all_of_it(result);
}

TEST(Reinstall, NamesAChoiceThatNoVolumeHas) {
    RestoredMachine machine;
    machine.restore.choices.devices["vol9"] = "/dev/sdc";
    const ReinstallResult result = machine.preview();
    ASSERT_NE(left(result, "vol9"), nullptr) << all_of_it(result);
    EXPECT_EQ(left(result, "vol9")->code, Code::usage);
}

}  // namespace
}  // namespace stillpoint
