// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_encryption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encryption/listed_volumes.h"
#include "encryption/survey_json.h"
#include "tests/fakes/fake_encryption_headers.h"
#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kUuid = "01234567-89ab-cdef-0123-456789abcdef";
constexpr const char* kDigits = "0123456789abcdef0123456789abcdef";

EncryptionHeader luks2(const std::string& uuid = kUuid) {
    EncryptionHeader header;
    header.uuid = uuid;
    header.cipher = "aes-xts-plain64";
    header.keyslots = {{0, "argon2id", true}};
    header.digests = {"aa", "bb"};
    return header;
}

class Survey : public ::testing::Test {
protected:
    void machine(const std::string& devices, const std::string& mounts = "") {
        inventory_ =
            testing::parse_machine("[mounts]\n22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + mounts +
                                   "[devices]\ndisk sda 8:0 lun=-1\n"
                                   "partition sda1 8:1 on=sda\n" +
                                   devices)
                .inventory;
    }
    void header(const std::string& path, EncryptionHeader header) {
        headers_.volumes[path + "@0"].header = std::move(header);
    }
    EncryptionSurvey survey() const { return survey_encryption(inventory_, sources_, headers_); }
    EncryptedVolume only_volume() const {
        const EncryptionSurvey all = survey();
        EXPECT_EQ(all.volumes.size(), 1U);
        return all.volumes.empty() ? EncryptedVolume() : all.volumes[0];
    }
    void found(std::vector<FoundFile>& where, const std::string& path) {
        where.push_back({path, path, {8, 1}, false});
    }

    Inventory inventory_;
    EncryptionSources sources_;
    testing::FakeEncryptionHeaders headers_;
};

TEST_F(Survey, OfAMachineWithoutAnyIsEmpty) {
    machine("disk sdb 8:16 lun=0\npartition sdb1 8:17 on=sdb\n");

    EXPECT_EQ(survey(), EncryptionSurvey());
}

TEST_F(Survey, FollowsAnOpenVolumeToItsDiskAndItsMounts) {
    machine(std::string("disk sdc 8:32 lun=3\npartition sdc1 8:33 on=sdc\n"
                        "crypt dm-0 253:0 on=sdc1 name=data uuid=CRYPT-LUKS2-") +
                kDigits + "-data\n",
            "30 22 253:0 / /data rw - xfs /dev/mapper/data rw\n");
    header("/dev/sdc1", luks2());
    sources_.crypttab = "data /dev/disk/azure/scsi1/lun3-part1 /keys/data luks,nofail\n";
    sources_.links = {{"/dev/disk/by-uuid/f-1", "dm-0"}};
    found(sources_.named_keys, "/keys/data");

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.device, "sdc1");
    EXPECT_EQ(volume.device_path, "/dev/disk/azure/scsi1/lun3-part1");
    EXPECT_THAT(volume.disks, ElementsAre("sdc"));
    EXPECT_THAT(volume.luns, ElementsAre(3));
    EXPECT_EQ(volume.mapper, "data");
    EXPECT_TRUE(volume.open);
    EXPECT_EQ(volume.header, luks2());
    EXPECT_THAT(volume.mounts,
                ElementsAre(EncryptedMount{"/data", "xfs", "f-1", "/dev/mapper/data"}));
    EXPECT_EQ(volume.key_file, "/keys/data");
    EXPECT_TRUE(volume.key_file_present);
    EXPECT_FALSE(volume.of_azure);
    EXPECT_THAT(survey().notes, IsEmpty());
}

TEST_F(Survey, TellsOfEveryMountOfAFilesystem) {
    machine(
        std::string("disk sdc 8:32 lun=3\ncrypt dm-0 253:0 on=sdc name=data uuid=CRYPT-LUKS2-") +
            kDigits + "-data\n",
        "30 22 253:0 /@ /sysroot rw - xfs /dev/mapper/data rw\n"
        "31 22 253:0 / /whole/filesystem rw - xfs /dev/mapper/data rw\n"
        "32 22 253:0 /@ /sysroot rw - xfs /dev/mapper/data rw\n");
    header("/dev/sdc", luks2());

    EXPECT_THAT(only_volume().mounts,
                ElementsAre(EncryptedMount{"/whole/filesystem", "xfs", "", "/dev/mapper/data"},
                            EncryptedMount{"/sysroot", "xfs", "", "/dev/mapper/data"}));
}

TEST_F(Survey, FindsClosedVolumesWithoutATable) {
    machine("disk sdb 8:16 lun=0\n");
    header("/dev/sdb", luks2());

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.device_path, "/dev/sdb");
    EXPECT_FALSE(volume.open);
    EXPECT_EQ(volume.mapper, "");
    EXPECT_FALSE(volume.key_file_present);
}

TEST_F(Survey, JoinsAnOsDisksHeaderInBoot) {
    machine(std::string("partition sda2 8:2 on=sda\n"
                        "crypt dm-0 253:0 on=sda2 name=osencrypt uuid=CRYPT-LUKS1-") +
                kDigits + "-osencrypt\nlvm dm-1 253:1 on=dm-0 name=root--vg-root\n",
            "30 22 253:1 / /sysroot rw - ext4 /dev/mapper/root--vg-root rw\n");
    header("/boot/luks/osluksheader", luks2());
    found(sources_.header_files, "/boot/luks/osluksheader");
    sources_.bek_device = "sdb1";
    sources_.bek_mount_point = "/mnt/azure_bek_disk";
    sources_.bek_names = {"LinuxPassPhraseFileName", "settings_00.json"};

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.header_file, "/boot/luks/osluksheader");
    EXPECT_THAT(volume.header_disks, ElementsAre("sda"));
    EXPECT_EQ(volume.header.uuid, kUuid);
    EXPECT_THAT(volume.stacking, ElementsAre("LVM on crypt"));
    EXPECT_THAT(volume.volume_groups, ElementsAre("root-vg"));
    EXPECT_EQ(volume.mounts.at(0).mount_point, "/sysroot");
    const EncryptionSurvey all = survey();
    EXPECT_EQ(all.ade.generation, AdeGeneration::unknown);
    EXPECT_THAT(all.ade.key_files, ElementsAre("LinuxPassPhraseFileName"));
}

TEST_F(Survey, JoinsADataDiskEncryptedInPlaceWithItsHeaderOnTheOsDisk) {
    const std::string file = "/var/lib/azure_disk_encryption_config/azureluksheaderm-1";
    machine("disk sdc 8:32 lun=0\npartition sdc1 8:33 on=sdc\n");
    header(file, luks2());
    found(sources_.header_files, file);
    found(sources_.named_headers, file);
    sources_.azure_crypt_mount =
        "m-1 /dev/disk/azure/scsi1/lun0-part1 " + file + " /data ext4 False 0\n";
    sources_.bek_mount_point = "/mnt/azure_bek_disk";
    sources_.bek_names = {"LinuxPassPhraseFileName", "LinuxPassPhraseFileName_1_0"};
    sources_.ade_versions = {"0.1.0.999341", "1.1.0.64", "1.10.0.0"};

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.header_file, file);
    EXPECT_THAT(volume.header_disks, ElementsAre("sda"));
    EXPECT_EQ(volume.mapper, "m-1");
    EXPECT_TRUE(volume.of_azure);
    EXPECT_EQ(volume.key_file, "/mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0");
    EXPECT_TRUE(volume.key_file_present);
    EXPECT_EQ(survey().ade.generation, AdeGeneration::single_pass);
    EXPECT_EQ(survey().ade.extension_version, "1.10.0.0");
    EXPECT_THAT(survey().notes, IsEmpty());
}

TEST_F(Survey, TakesTheHeaderThatTheLineNamesBeforeAStaleOneOnTheDevice) {
    const std::string other = "99999999-89ab-cdef-0123-456789abcdef";
    machine("disk sdc 8:32 lun=0\n");
    sources_.crypttab = "m /dev/sdc - luks,header=/h\n";
    header("/dev/sdc", luks2(other));
    header("/h", luks2());
    found(sources_.named_headers, "/h");

    EXPECT_EQ(only_volume().header_file, "/h");
    EXPECT_EQ(only_volume().header.uuid, kUuid);
    EXPECT_THAT(only_volume().header_disks, ElementsAre("sda"));
    EXPECT_THAT(survey().notes,
                ElementsAre("'sdc' has a header of its own, which 'm' is not opened with: its line "
                            "names '/h'"));

    // Unless it is open, and by the one on the device.
    machine(std::string("disk sdc 8:32 lun=0\ncrypt dm-0 253:0 on=sdc name=m uuid=CRYPT-LUKS2-") +
            kDigits + "-m\n");
    header("/dev/sdc", luks2());
    header("/h", luks2(other));
    EXPECT_EQ(only_volume().header_file, "");
    EXPECT_EQ(only_volume().header.uuid, kUuid);
}

TEST_F(Survey, SaysThatAHeaderIsMissing) {
    machine("disk sdc 8:32 lun=0\n");
    sources_.crypttab = "m /dev/sdc - header=/h,cipher=aes-xts-plain64\n";

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.header_file, "/h");
    EXPECT_EQ(volume.header.state, HeaderState::not_understood);
    EXPECT_EQ(volume.header.problem, "its header '/h' is not there");
}

TEST_F(Survey, SaysThatWhatIsToBeOpenedHasNoHeaderAnyMore) {
    machine("disk sdc 8:32 lun=0\n");
    sources_.crypttab = "m /dev/sdc - luks\n";

    EXPECT_EQ(only_volume().header.state, HeaderState::damaged);
}

TEST_F(Survey, SaysThatADetachedHeaderWasWiped) {
    machine("disk sdc 8:32 lun=0\n");
    sources_.crypttab = "m /dev/sdc - luks,header=/h\n";
    found(sources_.named_headers, "/h");

    const EncryptedVolume volume = only_volume();

    EXPECT_EQ(volume.header_file, "/h");
    EXPECT_THAT(volume.header_disks, ElementsAre("sda"));
    EXPECT_EQ(volume.header.state, HeaderState::damaged);
    EXPECT_EQ(volume.header.problem, "'/h' ought to be a header and is none");

    headers_.failures.emplace("/h@0", fail(Code::volume_unreadable, "cannot read '/h'"));
    EXPECT_EQ(only_volume().header.state, HeaderState::not_understood);
    EXPECT_EQ(only_volume().header.problem, "cannot read '/h'");
    EXPECT_THAT(survey().notes, IsEmpty());
}

TEST_F(Survey, CallsNothingDamagedThatIsNot) {
    machine("disk sdb 8:16 lun=0\ndisk sdc 8:32 lun=1\ndisk sdd 8:48 lun=2\n");
    sources_.crypttab =
        "unread /dev/sdb none luks\n"
        "tc /dev/sdc none tcrypt-veracrypt\n"
        "debian /dev/sdd none cipher=aes-xts-plain64,hash=sha256\n";
    headers_.failures.emplace("/dev/sdb@0", fail(Code::volume_unreadable, "no medium"));

    const EncryptionSurvey all = survey();

    ASSERT_EQ(all.volumes.size(), 3U);
    EXPECT_EQ(all.volumes[0].header.state, HeaderState::not_understood);
    EXPECT_EQ(all.volumes[0].header.problem, "no medium");
    EXPECT_EQ(all.volumes[1].header.state, HeaderState::not_understood);
    EXPECT_EQ(all.volumes[1].header.problem, "it is a TrueCrypt or VeraCrypt volume");
    EXPECT_EQ(all.volumes[2].header.state, HeaderState::sound);
    EXPECT_EQ(all.volumes[2].header.format, EncryptionFormat::plain);
}

TEST_F(Survey, NotesALineWhoseDeviceIsAnOrdinaryFilesystem) {
    machine("disk sdc 8:32 lun=0\n", "30 22 8:32 / /data rw - ext4 /dev/sdc rw\n");
    sources_.crypttab = "m /dev/sdc - luks\n";

    EXPECT_THAT(survey().volumes, IsEmpty());
    EXPECT_THAT(survey().notes,
                ElementsAre("'m' is to be opened from '/dev/sdc', on which a filesystem is "
                            "mounted"));
}

TEST_F(Survey, KnowsPlainVolumesByMapperAndByTable) {
    machine(
        "disk sdc 8:32 lun=0\ncrypt dm-0 253:0 on=sdc name=p uuid=CRYPT-PLAIN-p\n"
        "disk sdd 8:48 lun=1\n");
    sources_.crypttab = "cswap /dev/sdd /dev/urandom swap,cipher=aes-xts-plain64,size=512\n";

    const EncryptionSurvey all = survey();

    ASSERT_EQ(all.volumes.size(), 2U);
    for (const EncryptedVolume& volume : all.volumes) {
        EXPECT_EQ(volume.header.format, EncryptionFormat::plain) << volume.device;
        EXPECT_EQ(volume.header.state, HeaderState::sound) << volume.device;
    }
    EXPECT_EQ(all.volumes[1].header.cipher, "aes-xts-plain64");
    EXPECT_EQ(all.volumes[1].header.key_bits, 512);
}

TEST_F(Survey, SeesEncryptionOnLvmAndRaidAndRaidOnIt) {
    machine(
        "disk sdb 8:16 lun=0\nmd md0 9:0 on=sdb\nlvm dm-0 253:0 on=md0 name=vg-c\n"
        "crypt dm-1 253:1 on=dm-0 name=c uuid=CRYPT-LUKS2-x\nmd md1 9:1 on=dm-1\n");
    header("/dev/sdb", luks2());  // RAID 1 with its own data at the end shows what is on it
    header("/dev/dm-0", luks2());

    EXPECT_THAT(only_volume().stacking,
                ElementsAre("RAID on crypt", "crypt on LVM", "crypt on RAID"));
}

TEST_F(Survey, LooksBeneathIntegrityAndLeavesVerityAlone) {
    machine(std::string("disk sdb 8:16 lun=0\n"
                        "crypt dm-0 253:0 on=sdb name=c_dif uuid=CRYPT-SUBDEV-0-c_dif\n"
                        "crypt dm-1 253:1 on=dm-0 name=c uuid=CRYPT-LUKS2-") +
            kDigits +
            "-c\ndisk sdc 8:32 lun=1\ncrypt dm-2 253:2 on=sdc name=v uuid=CRYPT-VERITY-1-v\n");
    header("/dev/sdb", luks2());

    EXPECT_EQ(only_volume().device, "sdb");
    EXPECT_EQ(only_volume().mapper, "c");
}

TEST_F(Survey, LeavesTheTemporaryDiskOutAndSaysSo) {
    machine(
        "disk sdb 8:16 resource\npartition sdb1 8:17 on=sdb\n"
        "crypt dm-0 253:0 on=sdb1 name=tmp uuid=CRYPT-PLAIN-tmp\n");
    header("/dev/sdb1", luks2());

    EXPECT_THAT(survey().volumes, IsEmpty());
    EXPECT_THAT(survey().notes, ElementsAre("the encrypted volume on 'sdb1' is left out: it lies "
                                            "on the temporary disk 'sdb'"));
}

TEST_F(Survey, NamesWhatOnlyThisMachineOpens) {
    machine("disk sdb 8:16 lun=0\n");
    EncryptionHeader bound = luks2();
    bound.tokens = {{0, "systemd-tpm2", {0}}};
    header("/dev/sdb", bound);
    EXPECT_TRUE(only_volume().bound_to_machine);

    bound.keyslots.push_back({1, "argon2id", true});
    header("/dev/sdb", bound);
    EXPECT_FALSE(only_volume().bound_to_machine);
}

TEST_F(Survey, NotesTwinsAndHeadersOfNobodyAndDevicesThatAreMissing) {
    machine("disk sdb 8:16 lun=0\ndisk sdc 8:32 lun=1\n");
    header("/dev/sdb", luks2());
    header("/dev/sdc", luks2());
    header("/boot/luks/x", luks2("other"));
    found(sources_.header_files, "/boot/luks/x");
    sources_.crypttab = "gone UUID=5 none luks\n";

    EXPECT_THAT(survey().notes,
                ElementsAre("'gone' is to be opened from 'UUID=5', which is not there",
                            "'/boot/luks/x' is a header, and it is not known of which volume",
                            std::string("'sdb' and 'sdc' have the same UUID, ") + kUuid));
}

TEST_F(Survey, NotesAHeaderThatWasReplacedUnderAnOpenVolume) {
    machine(std::string("disk sdb 8:16 lun=0\ncrypt dm-0 253:0 on=sdb name=c uuid=CRYPT-LUKS2-") +
            kDigits + "-c\n");
    header("/dev/sdb", luks2("ffffffff-89ab-cdef-0123-456789abcdef"));

    EXPECT_THAT(survey().notes,
                ElementsAre("the header on 'sdb' is not the one that 'c' was opened with"));
}

TEST_F(Survey, LeavesAnEmptyDriveAlone) {
    machine("other sr0 11:0\n");
    headers_.failures.emplace("/dev/sr0@0", fail(Code::volume_unreadable, "no medium"));

    EXPECT_EQ(survey(), EncryptionSurvey());
}

TEST_F(Survey, GoesOnWhenADeviceCannotBeRead) {
    machine(
        "disk sdb 8:16 lun=0\ncrypt dm-0 253:0 on=sdb name=c uuid=CRYPT-LUKS2-x\n"
        "disk sdc 8:32 lun=1\n");
    headers_.failures.emplace("/dev/sdb@0",
                              fail(Code::volume_unreadable, "cannot read '/dev/sdb'"));
    header("/dev/sdc", luks2());

    const EncryptionSurvey all = survey();

    EXPECT_EQ(all.volumes.size(), 2U);
    EXPECT_EQ(all.volumes.at(0).header.problem, "cannot read '/dev/sdb'");
    EXPECT_THAT(all.gaps, ElementsAre("cannot read '/dev/sdb'"));
}

TEST_F(Survey, RecordsNoPasswordOfATable) {
    machine("disk sdy 8:64 lun=1\ndisk sdz 8:80 lun=2\n");
    header("/dev/sdy", luks2());
    header("/dev/sdz", luks2());
    sources_.crypttab =
        "c /dev/sdz pkcs11:token=t;pin-value=PIN-a luks,x=pin-value=PIN-b,y\n"
        "d /dev/sdy hunter2 luks,keyscript=/bin/echo\n";
    sources_.fstab =
        "//server/x /x cifs password=secret 0 0\n"
        "/dev/sda1 / ext4 rw 0 1\n"
        "/dev/sda2 /p x ro,passwd=p4ss,noatime 0 0\n";

    const EncryptionSurvey all = survey();

    for (const char* secret : {"PIN-a", "PIN-b", "hunter2", "p4ss"}) {
        EXPECT_THAT(render_survey(all, 0), Not(HasSubstr(secret)));
    }

    EXPECT_EQ(all.crypttab.at(0).key_file, "pkcs11:token=t;pin-value=");
    EXPECT_EQ(all.crypttab.at(0).options, "luks,x=pin-value=,y");
    ASSERT_EQ(all.fstab.size(), 2U);
    EXPECT_EQ(all.fstab[0].source, "/dev/sda1");
    EXPECT_EQ(all.fstab[1].options, "ro,passwd,noatime");
}

TEST_F(Survey, RecordsNoTailOfAPasswordWithACommaInIt) {
    machine("disk sdz 8:80 lun=2\n");
    sources_.crypttab =
        "a /dev/sdz pkcs11:token=t?pin-value=1,hunter2;x luks\n"
        "b /dev/sdz none luks,pkcs11-uri=pkcs11:t?pin-value=1\\,hunter2,nofail,header=/h\n";
    sources_.fstab = "/dev/sda2 /p x ro,passwd=\"1,hunter2\",noatime 0 0\n";

    const EncryptionSurvey all = survey();

    EXPECT_THAT(render_survey(all, 0), Not(HasSubstr("hunter2")));
    EXPECT_EQ(all.crypttab.at(0).key_file, "pkcs11:token=t?pin-value=");
    EXPECT_EQ(all.crypttab.at(1).options, "luks,pkcs11-uri=pkcs11:t?pin-value=,nofail,header=/h");
    EXPECT_EQ(all.fstab.at(0).options, "ro,passwd,noatime");
}

/// Finds everything that is named like a key.
class FileFinder : public EncryptionSourceReader {
public:
    explicit FileFinder(EncryptionSources sources) : sources_(std::move(sources)) {}

    EncryptionSources read(const Inventory&) const override { return sources_; }
    std::vector<FoundFile> find(const Inventory&,
                                const std::vector<std::string>& paths) const override {
        std::vector<FoundFile> found;
        for (const std::string& path : paths) {
            if (path.starts_with("/keys/")) {
                found.push_back({path, path, {8, 1}, false});
            }
        }
        return found;
    }

private:
    EncryptionSources sources_;
};

TEST_F(Survey, RecordsOfAScriptsArgumentOnlyWhatIsAFile) {
    machine("disk sdx 8:16 lun=0\ndisk sdy 8:32 lun=1\ndisk sdz 8:48 lun=2\n");
    sources_.crypttab =
        "a /dev/sdx /hunter2 luks,keyscript=/bin/echo\n"
        "b /dev/sdy /keys/b luks,keyscript=/bin/cat\n"
        "c /dev/sdz /mnt/azure_bek_disk/LinuxPassPhraseFileName luks,keyscript=/x\n";
    sources_ = gather_sources(FileFinder(sources_), inventory_);

    const EncryptionSurvey all = survey();

    EXPECT_THAT(render_survey(all, 0), Not(HasSubstr("hunter2")));
    EXPECT_EQ(all.crypttab.at(1).key_file, "/keys/b");
    EXPECT_EQ(all.volumes.at(1).key_file, "/keys/b");
    EXPECT_TRUE(all.volumes.at(1).key_file_present);
    EXPECT_EQ(all.crypttab.at(2).key_file, "/mnt/azure_bek_disk/LinuxPassPhraseFileName");
}

TEST_F(Survey, QuotesNothingOfALineThatIsBroken) {
    machine("");
    // A blank behind a comma makes the password a field of its own.
    sources_.fstab =
        "//server/x /x cifs rw, password=hunter2 0\n"
        "/dev/sda2 /p x ro 0 passwd=hunter2\n";
    sources_.crypttab = "a/hunter2 /dev/sdz none\nhunter2\n";
    sources_.azure_crypt_mount = "a b c d e hunter2\na b c d e False hunter2\n";

    const EncryptionSurvey all = survey();

    EXPECT_EQ(all.gaps.size(), 6U);
    EXPECT_THAT(all.gaps, Contains("'/etc/fstab' line 1: field 5, dump, is no number"));
    EXPECT_THAT(render_survey(all, 0), Not(HasSubstr("hunter2")));
}

TEST_F(Survey, TellsOfABrokenTableAndOfAMissingVfat) {
    machine("");
    sources_.crypttab = "c\n";
    sources_.no_vfat_because = "the kernel has no vfat filesystem";

    EXPECT_THAT(survey().gaps, ElementsAre(HasSubstr("'/etc/crypttab' line 1")));
    EXPECT_FALSE(survey().vfat_available);
    EXPECT_EQ(survey().vfat_problem, "the kernel has no vfat filesystem");
}

}  // namespace
}  // namespace stillpoint
