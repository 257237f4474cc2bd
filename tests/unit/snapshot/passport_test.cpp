// SPDX-License-Identifier: Apache-2.0
#include "snapshot/passport.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_file_store.h"

namespace stillpoint {
namespace {

EncryptionSurvey encryption() {
    EncryptedVolume volume;
    volume.device = "sda";
    volume.device_path = "/dev/sda";
    volume.disks = {"sda"};
    volume.luns = {-1};
    volume.size_bytes = 1024;
    volume.mapper = "data";
    volume.open = true;
    volume.header = {.format = EncryptionFormat::luks2,
                     .state = HeaderState::one_copy_damaged,
                     .problem = {},
                     .uuid = "u-1",
                     .label = {},
                     .cipher = "aes-xts-plain64",
                     .key_bits = 512,
                     .sector_bytes = 4096,
                     .payload_offset_bytes = 16 << 20,
                     .keyslots = {{1, "argon2id", true}},
                     .tokens = {{5, "Azure_Disk_Encryption", {1}}},
                     .reencrypting = false,
                     .digests = {"aa", "bb"}};
    volume.stacking = {"LVM on crypt"};
    volume.volume_groups = {"vg"};
    volume.mounts = {{"/d\xC3\xA4ta", "ext4", "u-2", "/dev/mapper/data"}};
    volume.key_file = "/mnt/azure_bek_disk/LinuxPassPhraseFileName";
    volume.key_file_present = volume.of_azure = true;
    volume.keys.secret = "https://v.example/secrets/s/1";
    EncryptionSurvey survey;
    survey.volumes = {volume};
    survey.ade = {.generation = AdeGeneration::single_pass,
                  .bek_device = "sdb1",
                  .bek_mount_point = "/mnt/azure_bek_disk",
                  .key_files = {"LinuxPassPhraseFileName"},
                  .volume_type = "Data",
                  .secret_sequence = "1",
                  .extension_version = "1.4.0.5"};
    survey.vfat_available = false;
    survey.vfat_problem = "none";
    survey.notes = {"n"};
    survey.crypttab = {{"data", "/dev/sda", volume.key_file, "luks,nofail"}};
    survey.fstab = {{"/dev/mapper/data", "/d\xC3\xA4ta", "ext4", "nofail", 0, 2}};
    survey.azure_crypt_mount = {{"data", "/dev/sda", "", "/x", "auto", true, 1}};
    survey.gaps = {"a", "b"};
    return survey;
}

Passport example() {
    Passport passport;
    passport.agent_version = "0.1.0.0";
    passport.machine_identity = "m-1";
    passport.task_id = "task-1";
    passport.nonce = "n-1";
    passport.time = WallTime(std::chrono::milliseconds(1'795'382'252'480));
    passport.disks = {"sda"};
    BlockDevice disk;
    disk.name = disk.disk = "sda";
    disk.number = {8, 0};
    disk.kind = BlockKind::disk;
    disk.size_bytes = 1024;
    disk.place.lun = -1;
    BlockDevice crypt;
    crypt.name = crypt.disk = "dm-0";
    crypt.number = {253, 0};
    crypt.kind = BlockKind::dm_crypt;
    crypt.below = {"sda"};
    crypt.dm_name = "data";
    crypt.dm_uuid = "CRYPT-LUKS2-1-data";
    passport.inventory.devices = {disk, crypt};
    Mount mount;
    mount.device = {253, 0};
    mount.root = "/";
    mount.mount_point = "/d\xC3\xA4ta";
    mount.type = "ext4";
    mount.source = "/dev/mapper/data";
    mount.super_options = "rw,password=SECRET";
    passport.inventory.mounts = {mount};
    passport.inventory.gaps = {"swaps not read"};
    passport.product_uuid = "4c4c4544-0000-2010-8020-80c04f202020";
    passport.encryption = encryption();
    passport.surveyed = true;
    return passport;
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return at == std::string::npos ? text : text.replace(at, old.size(), with);
}

TEST(Passport, DescribesTheMachineAndHoldsNoSecret) {
    EXPECT_EQ(render_passport(example()), R"({
  "format": 1,
  "agent": "0.1.0.0",
  "machine": "m-1",
  "task": "task-1",
  "nonce": "n-1",
  "milliseconds_since_1970": 1795382252480,
  "snapshotted_disks": ["sda"],
  "devices": [
    {"name":"sda","number":"8:0","kind":"disk","bytes":1024,"disk":"sda","below":[],"lun":-1},
    {"name":"dm-0","number":"253:0","kind":"crypt","bytes":0,"disk":"dm-0","below":["sda"],"mapped_name":"data","mapped_uuid":"CRYPT-LUKS2-1-data"}
  ],
  "btrfs": [],
  "mounts": [
    {"mount_point":"/d\u00e4ta","device":"253:0","root":"/","type":"ext4","source":"/dev/mapper/data","own_namespace":true}
  ],
  "gaps": ["swaps not read"],
  "product_uuid": "4c4c4544-0000-2010-8020-80c04f202020",
  "encryption": {
    "volumes": [
      {"device":"sda","device_path":"/dev/sda","disks":["sda"],"luns":[-1],"bytes":1024,"mapper":"data","open":true,"header_file":"","header_disks":[],"header":{"format":"luks2","state":"one copy damaged","problem":"","uuid":"u-1","label":"","cipher":"aes-xts-plain64","key_bits":512,"sector_bytes":4096,"payload_offset_bytes":16777216,"keyslots":[{"number":1,"kind":"argon2id","bound":true}],"tokens":[{"number":5,"type":"Azure_Disk_Encryption","keyslots":[1]}],"reencrypting":false,"sha256":{"header":"aa","keyslots":"bb"}},"stacking":["LVM on crypt"],"volume_groups":["vg"],"mounts":[{"mount_point":"/d\u00e4ta","type":"ext4","uuid":"u-2","source":"/dev/mapper/data"}],"key_file":"/mnt/azure_bek_disk/LinuxPassPhraseFileName","key_file_present":true,"of_azure":true,"bound_to_machine":false,"keys":{"secret":"https://v.example/secrets/s/1","key_encryption":"","vault":""}}
    ],
    "ade": {"generation":"single pass","bek_device":"sdb1","bek_mount_point":"/mnt/azure_bek_disk","key_files":["LinuxPassPhraseFileName"],"volume_type":"Data","secret_sequence":"1","extension_version":"1.4.0.5"},
    "vfat_available": false,
    "vfat_problem": "none",
    "crypttab": [
      {"name":"data","device":"/dev/sda","key_file":"/mnt/azure_bek_disk/LinuxPassPhraseFileName","options":"luks,nofail"}
    ],
    "fstab": [
      {"source":"/dev/mapper/data","mount_point":"/d\u00e4ta","type":"ext4","options":"nofail","dump":0,"pass":2}
    ],
    "azure_crypt_mount": [
      {"name":"data","device":"/dev/sda","header_file":"","mount_point":"/x","type":"auto","cleartext_key":true,"keyslot":1}
    ],
    "notes": [
      "n"
    ],
    "gaps": [
      "a",
      "b"
    ]
  }
}
)");
}

TEST(Passport, IsReadBackAsItWasWritten) {
    const Result<Passport> read = parse_passport(render_passport(example()));

    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(render_passport(*read), render_passport(example()));
    EXPECT_EQ(read->inventory.devices[0].place.lun, -1);
    EXPECT_EQ(read->inventory.devices[1].place.lun, std::nullopt);
    EXPECT_EQ(read->encryption, encryption());
}

TEST(Passport, SaysThatTheEncryptionCouldNotBeLookedAt) {
    Passport passport = example();
    passport.surveyed = false;
    const Result<Passport> read = parse_passport(render_passport(passport));

    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_FALSE(read->surveyed);
    EXPECT_EQ(read->encryption, EncryptionSurvey());
}

TEST(Passport, OfAnOlderVersionIsReadWithoutWhatThatDidNotWrite) {
    const Result<Passport> read = parse_passport(
        R"({"format": 1, "machine": "m", "devices": [], "mounts": [], "later": {"x": [1]}})");

    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->machine_identity, "m");
    EXPECT_FALSE(read->surveyed);
}

TEST(Passport, OfALaterVersionIsReadDespiteItsWords) {
    std::string text = render_passport(example());
    text = replaced(text, R"("kind":"crypt")", R"("kind":"vdo")");
    text = replaced(text, R"("state":"one copy damaged")", R"("state":"well")");
    text = replaced(text, R"("generation":"single pass")", R"("generation":"no pass")");

    const Result<Passport> read = parse_passport(text);

    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->inventory.devices[1].kind, BlockKind::other);
    EXPECT_EQ(read->encryption.volumes[0].header.state, HeaderState::not_understood);
    EXPECT_EQ(read->encryption.ade.generation, AdeGeneration::unknown);
}

TEST(Passport, ThatCannotBeUnderstoodSaysWhereAndWhy) {
    const std::string good = render_passport(example());
    const auto why = [](const std::string& text) {
        const Result<Passport> read = parse_passport(text);
        if (read) {
            return std::string("it was read");
        }
        EXPECT_EQ(read.error().code(), Code::passport_malformed);
        return read.error().message();
    };

    EXPECT_EQ(why(good.substr(0, 100)), "the passport is not JSON, at byte 101");
    EXPECT_EQ(why("[]"), "the passport cannot be understood: 'passport' is no object");
    EXPECT_EQ(why(replaced(good, R"("format": 1)", R"("format": 2)")),
              "the passport cannot be understood: 'passport.format' is one that this version does "
              "not know");
    EXPECT_EQ(
        why(replaced(good, R"("number":"253:0")", R"("number":"253")")),
        "the passport cannot be understood: 'passport.devices[1].number' is no device number");
    EXPECT_EQ(why(replaced(good, R"("kind":"crypt",)", "")),
              "the passport cannot be understood: 'passport.devices[1].kind' is missing");
    EXPECT_EQ(why(replaced(good, R"("bytes":1024)", R"("bytes":-1)")),
              "the passport cannot be understood: 'passport.devices[0].bytes' is no whole number, "
              "or too large");
    EXPECT_EQ(why(replaced(good, R"("format":"luks2")", R"("format":"rot13")")),
              "the passport cannot be understood: 'passport.encryption.volumes[0].header.format' "
              "is none of the words there are for it");
    EXPECT_EQ(why(replaced(good, R"("state":"one copy damaged")", R"("state":1)")),
              "the passport cannot be understood: 'passport.encryption.volumes[0].header.state' is "
              "none of the words there are for it");
    EXPECT_EQ(why(replaced(good, R"("gaps": ["swaps not read"])", R"("gaps": [3])")),
              "the passport cannot be understood: 'passport.gaps[0]' is no text");
    EXPECT_EQ(why(std::string(100'000, '[')), "the passport is nested too deeply");
}

TEST(Passport, HasACopyInBootWhereRootIsEncryptedAndBootIsNot) {
    Passport passport = example();
    Mount boot;
    boot.mount_point = "/boot";
    boot.device = {8, 1};
    boot.type = "ext2";
    passport.inventory.mounts.push_back(boot);
    EXPECT_FALSE(belongs_into_boot(passport)) << "root is not encrypted";

    passport.encryption.volumes[0].mounts.push_back({"/", "ext4", "", "/dev/mapper/osencrypt"});
    EXPECT_TRUE(belongs_into_boot(passport));

    passport.inventory.mounts.back().options = "ro,relatime";
    EXPECT_FALSE(belongs_into_boot(passport)) << "it cannot be written";

    passport.inventory.mounts.back().options = "rw";
    passport.encryption.volumes[0].mounts.push_back({"/boot", "ext4", "", "/dev/mapper/b"});
    EXPECT_FALSE(belongs_into_boot(passport)) << "it does not open either";

    passport.inventory.mounts.pop_back();
    EXPECT_FALSE(belongs_into_boot(passport)) << "it is a folder of root";
}

TEST(Passport, IsWrittenWhole) {
    testing::FakeFileStore folder;
    ASSERT_TRUE(write_passport(folder, example()));
    EXPECT_EQ(folder.content("passport.json"), render_passport(example()));
}

TEST(Passport, IsReadHoweverManyMountsThereAre) {
    testing::FakeFileStore folder;
    Passport passport = example();
    passport.inventory.mounts.resize(40'000, passport.inventory.mounts.at(0));
    const std::string text = render_passport(passport);
    ASSERT_GT(text.size(), 4U << 20);
    ASSERT_TRUE(folder.replace(kLastPointFile, text));

    EXPECT_TRUE(read_passport(folder, kLastPointFile));
    EXPECT_EQ(read_passport(folder, kPassportFile).error().code(), Code::file_unreadable);
}

}  // namespace
}  // namespace stillpoint
