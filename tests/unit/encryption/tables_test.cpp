// SPDX-License-Identifier: Apache-2.0
#include "encryption/tables.h"

#include <gmock/gmock.h>

#include "encryption/table_secrets.h"

namespace stillpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Crypttab, ReadsTheLinesOfAzureDiskEncryption) {
    const auto table = parse_crypttab(
        "# a comment\n\n"
        "data /dev/disk/azure/scsi1/lun0-part1 /mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0 "
        "luks,nofail,header=/azureluksheaderdata\n"
        "osencrypt /dev/sda1 none luks,discard,header=/boot/luks/osluksheader\n"
        "swap\t/dev/sdb1   /dev/urandom swap\n"
        "bare UUID=1234\n");

    EXPECT_THAT(table.problems, IsEmpty());
    EXPECT_THAT(table.entries(),
                ElementsAre(CrypttabEntry{"data", "/dev/disk/azure/scsi1/lun0-part1",
                                          "/mnt/azure_bek_disk/LinuxPassPhraseFileName_1_0",
                                          "luks,nofail,header=/azureluksheaderdata"},
                            CrypttabEntry{"osencrypt", "/dev/sda1", "",
                                          "luks,discard,header=/boot/luks/osluksheader"},
                            CrypttabEntry{"swap", "/dev/sdb1", "/dev/urandom", "swap"},
                            CrypttabEntry{"bare", "UUID=1234", "", ""}));
    EXPECT_TRUE(is_of_azure(table.entries()[0]));
    EXPECT_TRUE(is_of_azure(table.entries()[1]));
    EXPECT_FALSE(is_of_azure(table.entries()[2]));
}

TEST(Crypttab, NamesFileLineFieldAndCause) {
    const auto table = parse_crypttab("one\nok /dev/sdc\na/b /dev/sdd\n1 2 3 4 5\n", "/x/crypttab");

    EXPECT_THAT(table.problems,
                ElementsAre("'/x/crypttab' line 1: field 2, the device, is missing",
                            "'/x/crypttab' line 3: field 1, the name, holds a slash",
                            HasSubstr("line 4: 5 fields")));
    EXPECT_EQ(1U, table.entries().size());
}

TEST(Fstab, ReadsBlanksInNames) {
    const auto table = parse_fstab(
        "LABEL=BEK\\040VOLUME /mnt/azure_bek_disk auto defaults,discard,nofail 0 0\n"
        "/dev/mapper/data /data ext4 nofail,defaults 0 2\n"
        "tmpfs /tmp tmpfs\n");

    EXPECT_THAT(table.problems, IsEmpty());
    EXPECT_THAT(
        table.entries(),
        ElementsAre(FstabEntry{"LABEL=BEK VOLUME", "/mnt/azure_bek_disk", "auto",
                               "defaults,discard,nofail", 0, 0},
                    FstabEntry{"/dev/mapper/data", "/data", "ext4", "nofail,defaults", 0, 2},
                    FstabEntry{"tmpfs", "/tmp", "tmpfs", "defaults", 0, 0}));
}

TEST(Fstab, NamesWhatIsNoNumber) {
    EXPECT_THAT(parse_fstab("/dev/sda1 / ext4 defaults 0 x\n").problems,
                ElementsAre("'/etc/fstab' line 1: field 6, pass, is no number"));
    EXPECT_THAT(parse_fstab("/dev/sda1 / ext4 defaults -1 1\n").problems,
                ElementsAre(HasSubstr("field 5, dump,")));
    EXPECT_THAT(parse_fstab("/dev/sda1 /\n").problems, ElementsAre(HasSubstr("2 fields")));
}

TEST(Tables, HaveLinesThatEndWithAComment) {
    const auto crypttab =
        parse_crypttab("a /dev/x # the first\nb /dev/y none #two\nc /dev/z /k luks # a b c\n");
    EXPECT_THAT(crypttab.problems, IsEmpty());
    EXPECT_THAT(crypttab.entries(), ElementsAre(CrypttabEntry{"a", "/dev/x", "", ""},
                                                CrypttabEntry{"b", "/dev/y", "", ""},
                                                CrypttabEntry{"c", "/dev/z", "/k", "luks"}));
    const auto fstab = parse_fstab(
        "/dev/a /a ext4 # x\n/dev/b /b ext4 ro 0 2 # our data\n/dev/c /c ext4 ro 0 2 more\n");
    EXPECT_THAT(fstab.problems, IsEmpty());
    EXPECT_THAT(fstab.entries(), ElementsAre(FstabEntry{"/dev/a", "/a", "ext4", "defaults", 0, 0},
                                             FstabEntry{"/dev/b", "/b", "ext4", "ro", 0, 2},
                                             FstabEntry{"/dev/c", "/c", "ext4", "ro", 0, 2}));
}

TEST(AzureCryptMount, ReadsOldAndNewLines) {
    const auto table = parse_azure_crypt_mount(
        "\nosencrypt /dev/sda1 /boot/luks/osluksheader / ext4 False -1\n"
        "data /dev/sdc None /data auto True 0\n"
        "old /dev/sdd /h None xfs False\n");

    EXPECT_THAT(table.problems, IsEmpty());
    EXPECT_THAT(table.entries(),
                ElementsAre(AzureCryptMountEntry{"osencrypt", "/dev/sda1",
                                                 "/boot/luks/osluksheader", "/", "ext4", false, -1},
                            AzureCryptMountEntry{"data", "/dev/sdc", "", "/data", "auto", true, 0},
                            AzureCryptMountEntry{"old", "/dev/sdd", "/h", "", "xfs", false, -1}));
    EXPECT_TRUE(rules(table));
    EXPECT_FALSE(rules(parse_azure_crypt_mount("osencrypt /dev/sda1 None / ext4 False -1\n")));
}

TEST(AzureCryptMount, NamesWhatIsWrong) {
    EXPECT_THAT(parse_azure_crypt_mount("a b c d e f -1\na b c d e False x\na b\n").problems,
                ElementsAre(HasSubstr("line 1: field 6, the clear-text key, is neither"),
                            HasSubstr("line 2: field 7, the key slot, is no number"),
                            HasSubstr("line 3: 2 fields")));
}

TEST(Tables, GiveBackEveryByte) {
    for (const std::string text :
         {"", "\n", "a", "  # x\r\n\nname /dev/x\tnone luks", "a b\n\n\n", "broken\nok /dev/y\n"}) {
        EXPECT_EQ(text, parse_crypttab(text).text());
        EXPECT_EQ(text, parse_fstab(text).text());
        EXPECT_EQ(text, parse_azure_crypt_mount(text).text());
    }
}

TEST(Tables, WriteLinesThatTheyRead) {
    const CrypttabEntry crypt{"n", "/dev/x", "", "luks,header=/h"};
    EXPECT_THAT(parse_crypttab(line_of(crypt)).entries(), ElementsAre(crypt));
    const FstabEntry mount{"LABEL=a b", "/m\tn\\o", "ext4", "defaults", 1, 2};
    EXPECT_THAT(parse_fstab(line_of(mount)).entries(), ElementsAre(mount));
    const AzureCryptMountEntry azure{"n", "/dev/x", "/h", "", "auto", true, 3};
    EXPECT_THAT(parse_azure_crypt_mount(line_of(azure)).entries(), ElementsAre(azure));
}

TEST(Options, HideNoSecret) {
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"x=\"a,passwd=hunter2,y", "x=\"a,passwd,y"},
        {"x=a\\,passwd=hunter2", "x=a\\,passwd"},
        {"passwd=\"1,hunter2\",y", "passwd,y"},
        {"passwd=\"1,hunter2", "passwd"},
        {"x=\"pin-value=1,hunter2\",y", "x=pin-value=,y"},
        {"luks,,nofail,", "luks,,nofail,"},
    };
    for (const auto& [options, safe] : rows) {
        const FstabEntry entry{"/dev/a", "/a", "ext4", options, 0, 0};
        EXPECT_EQ(without_secrets(entry).options, safe);
        EXPECT_EQ(without_secrets(without_secrets(entry)), without_secrets(entry)) << options;
    }
}

TEST(Options, AreFoundByName) {
    EXPECT_EQ("/h", option_of("luks,header=/h,nofail", "header"));
    EXPECT_EQ("", option_of("luks,xheader=/h", "header"));
    EXPECT_TRUE(has_option("luks,nofail", "nofail"));
    EXPECT_TRUE(has_option("header=/h", "header"));
    EXPECT_FALSE(has_option("luks,nofail2", "nofail"));
    EXPECT_FALSE(has_option("", "nofail"));
}

TEST(Tables, AKeyMayBeAPartOfItsFile) {
    const KeyPart part = key_part("luks,keyfile-size=3,keyfile-offset=2");
    EXPECT_EQ(part, (KeyPart{.offset = 2, .size = 3}));
    EXPECT_EQ(part_of("0123456", part), "234");
    EXPECT_EQ(part_of("0123", part), "23");
    EXPECT_EQ(part_of("0", part), "");
    EXPECT_EQ(key_part("keyfile-offset=-1,keyfile-size=x"), KeyPart{});
    EXPECT_EQ(part_of("0123", KeyPart{}), "0123");
}

}  // namespace
}  // namespace stillpoint
