// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_text.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace stillpoint {
namespace {

EncryptionSurvey example() {
    EncryptedVolume os;
    os.device = "sda2";
    os.luns = {-1};
    os.mapper = "osencrypt";
    os.open = true;
    os.header_file = "/boot/luks/osluksheader";
    os.header_disks = {"sda"};
    os.header = {.format = EncryptionFormat::luks1,
                 .state = HeaderState::sound,
                 .uuid = "01234567-89ab-cdef-0123-456789abcdef",
                 .cipher = "aes-xts-plain64",
                 .key_bits = 512,
                 .keyslots = {{0, "pbkdf2", true}},
                 .digests = {"aa11", "bb22"}};
    os.stacking = {"LVM on crypt"};
    os.volume_groups = {"rootvg"};
    os.mounts = {{"/", "ext4", "", "/dev/mapper/rootvg-root"},
                 {"/var", "xfs", "", "/dev/mapper/rootvg-var"}};
    os.key_file = "/mnt/azure_bek_disk/LinuxPassPhraseFileName";
    os.key_file_present = true;
    os.keys.secret = "https://v.example/secrets/s/1";

    EncryptedVolume data;
    data.device = "sdc";
    data.luns = {3};
    data.mapper = "data";
    data.header = {.format = EncryptionFormat::luks2,
                   .state = HeaderState::one_copy_damaged,
                   .problem = "the first copy's checksum is wrong",
                   .uuid = "fedcba98-89ab-cdef-0123-456789abcdef",
                   .label = "evil\x1b[2J",
                   .cipher = "aes-xts-plain64",
                   .key_bits = 256,
                   .keyslots = {{0, "argon2id", true}, {1, "argon2id", false}},
                   .tokens = {{0, "systemd-tpm2", {0}}},
                   .reencrypting = true,
                   .digests = {"cc33", "dd44"}};
    data.key_file = "/keys/data";
    data.of_azure = true;
    data.bound_to_machine = true;

    EncryptionSurvey survey;
    survey.volumes = {os, data};
    survey.ade = {.generation = AdeGeneration::single_pass,
                  .bek_device = "sdb1",
                  .bek_mount_point = "/mnt/azure_bek_disk",
                  .key_files = {"LinuxPassPhraseFileName", "LinuxPassPhraseFileName_1_3"},
                  .extension_version = "1.4.0.5"};
    survey.vfat_available = false;
    survey.vfat_problem = "the kernel has no vfat filesystem";
    survey.notes = {"'gone' is to be opened from '/dev/sdz', which is not there"};
    survey.gaps = {"cannot read '/dev/sdd'"};
    return survey;
}

TEST(SurveyText, IsForPeople) {
    testing::expect_golden("encryption/survey.txt", survey_text(example()));
}

TEST(SurveyText, SaysWhenNothingIsEncrypted) {
    EXPECT_EQ(survey_text(EncryptionSurvey()), "no encrypted volume\n");
}

TEST(SurveyText, TellsWhatCameOfKeys) {
    const std::vector<KeyCheck> checks = {
        {.device = "sda2", .key_file = "/k", .keyslot = 0},
        {.device = "sdc", .key_file = "/k", .error = "key_mismatch", .message = "it does not fit"}};
    EXPECT_EQ(key_checks_text(checks),
              "sda2: keyslot 0 is opened by '/k'\nsdc: it does not fit [key_mismatch]\n");
    const std::string json = key_checks_json(EncryptionSurvey(), checks);
    EXPECT_NE(json.find(R"("keys": [{"device":"sda2","key_file":"/k","keyslot":0},)"
                        R"({"device":"sdc","key_file":"/k","error":"key_mismatch",)"
                        R"("message":"it does not fit"}])"),
              std::string::npos)
        << json;
}

}  // namespace
}  // namespace stillpoint
