// SPDX-License-Identifier: Apache-2.0
#include "inspect/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_encryption_headers.h"
#include "tests/fakes/fake_volume_tools.h"
#include "tests/unit/inspect/disk_bytes.h"

namespace stillpoint {
namespace {

using testing::ByteText;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::ext_volume;
using testing::FakeEncryptionHeaders;
using testing::FakeVolumeDecryptor;
using testing::FakeVolumeProbe;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kFirst = 64U << 10U;
constexpr std::uint64_t kSecond = 128U << 10U;
constexpr std::uint64_t kDisk = 256U << 10U;
const std::string kClean = ext_volume(1, 4, 0x40);
const std::string kDirty = ext_volume(1, 4, 0x44);

struct InspectTest : ::testing::Test {
    std::string disk = std::string(kDisk, '\0');
    FakeEncryptionHeaders headers;
    FakeVolumeProbe probe;
    FakeVolumeDecryptor decryptor;
    InspectRequest request;

    InspectTest() {
        request.path = "disk.img";
        probe.table = PartitionTable{
            .type = "dos",
            .uuid = "d-1",
            .partitions = {partition(1, kFirst, kFirst), partition(2, kSecond, kFirst)}};
    }

    static Partition partition(int number, std::uint64_t offset, std::uint64_t size) {
        return {.number = number,
                .offset_bytes = offset,
                .size_bytes = size,
                .type = "0fc63daf-8483-4772-8e79-3d69d8477de4",
                .name = "data",
                .uuid = "p"};
    }

    void put(std::uint64_t offset, const std::string& bytes) {
        disk.replace(offset, bytes.size(), bytes);
    }

    /// LUKS2 at `offset`, opened by "right" as keyslot 3.
    FakeEncryptionHeaders::Volume& encrypt(std::uint64_t offset, const std::string& inside) {
        EncryptionHeader header{.cipher = "aes-xts-plain64", .payload_offset_bytes = 16384};
        header.keyslots = {{.number = 3, .kind = "argon2id", .bound = true}};
        put(offset + 16384, FakeVolumeDecryptor::encrypt(inside, 'K'));
        return headers.volumes[FakeEncryptionHeaders::name_of({"disk.img", offset, 0})] = {
                   .header = header, .keyslots = {{"right", 3}}, .volume_key = "K"};
    }

    void give_key(const std::string& text, KeyKind kind = KeyKind::passphrase) {
        request.keys.push_back(
            {.name = "key '" + text + "'", .kind = kind, .key = Secret(std::string(text))});
    }

    Result<ImageReport> inspect() const {
        return inspect_image(ByteText(disk), request, {headers, probe, decryptor});
    }
    ImageReport report() const { return inspect().value(); }
};

TEST_F(InspectTest, JudgesEachPartitionByItself) {
    put(kFirst, kClean);
    put(kSecond, kDirty);
    const ImageReport found = report();
    ASSERT_EQ(found.volumes.size(), 2U);
    EXPECT_EQ(found.volumes[0].content->filesystem->verdict, FilesystemVerdict::clean);
    EXPECT_EQ(found.volumes[1].content->filesystem->verdict, FilesystemVerdict::needs_replay);
    EXPECT_THAT(problems_of(found), ElementsAre("partition 2: ext4: its journal needs recovery"));
    EXPECT_THAT(gaps_of(found), IsEmpty());
}

TEST_F(InspectTest, LooksInsideWithTheKeyThatOpens) {
    encrypt(kFirst, kDirty);
    put(kSecond, kClean);
    give_key("wrong");
    give_key("right");
    const ImageReport found = report();
    const VolumeReport& volume = found.volumes[0];
    ASSERT_EQ(volume.keys.size(), 2U);
    EXPECT_TRUE(volume.keys[0].mismatch);
    EXPECT_EQ(volume.keys[1].keyslot, 3);
    EXPECT_TRUE(volume.opened);
    EXPECT_EQ(volume.content->filesystem->verdict, FilesystemVerdict::needs_replay);
    EXPECT_THAT(problems_of(found), ElementsAre("partition 1: ext4: its journal needs recovery",
                                                "key 'wrong' opens nothing"));
}

TEST_F(InspectTest, WithoutAKeyItDerivesNoneAndSaysWhatIsNotKnown) {
    encrypt(kFirst, kClean);
    put(kSecond, kClean);
    const ImageReport found = report();
    EXPECT_EQ(headers.derivations, 0);
    EXPECT_THAT(problems_of(found), IsEmpty());
    EXPECT_THAT(gaps_of(found), ElementsAre("partition 1: no key was given"));
}

TEST_F(InspectTest, AKeyOfAnotherKindIsNotTried) {
    encrypt(kFirst, kClean);
    give_key("right", KeyKind::bek_file);
    const ImageReport found = report();
    EXPECT_EQ(headers.derivations, 0);
    EXPECT_THAT(found.unused_keys, ElementsAre("key 'right'"));
}

TEST_F(InspectTest, AnotherCipherIsHeaderAndKeyOnly) {
    encrypt(kFirst, kClean).header.cipher = "aes-cbc-essiv:sha256";
    give_key("right");
    const VolumeReport volume = report().volumes[0];
    EXPECT_EQ(volume.keys[0].keyslot, 3);
    EXPECT_FALSE(volume.content);
    EXPECT_EQ(volume.not_looked_at,
              "header and key only: 'aes-cbc-essiv:sha256' is not decrypted here");
}

TEST_F(InspectTest, AHeaderThatIsNotSoundIsAProblem) {
    auto& damaged = encrypt(kFirst, kClean).header;
    damaged.state = HeaderState::one_copy_damaged;
    damaged.problem = "the second copy is damaged";
    auto& strange = encrypt(kSecond, kClean).header;
    strange.state = HeaderState::not_understood;
    strange.problem = "the hash 'whirlpool' is not known";
    give_key("right");
    const ImageReport found = report();
    EXPECT_TRUE(found.volumes[0].opened);
    EXPECT_FALSE(found.volumes[1].opened);
    EXPECT_THAT(problems_of(found),
                ElementsAre("partition 1: the second copy is damaged",
                            "partition 2: the hash 'whirlpool' is not known",
                            "partition 2: key 'right' could not be tried: this build does not "
                            "know it"));
}

TEST_F(InspectTest, ADetachedHeaderIsReadFromItsFile) {
    put(kSecond, FakeVolumeDecryptor::encrypt(kClean, 'K'));
    auto& volume = headers.volumes["header.img@0"];
    volume.header.cipher = "aes-xts-plain64";
    volume.keyslots = {{"right", 0}};
    volume.volume_key = "K";
    request.header_file = "header.img";
    give_key("right");
    EXPECT_EQ(inspect().error().code(), Code::usage);
    request.partition = 2;
    const ImageReport found = report();
    ASSERT_EQ(found.volumes.size(), 1U);
    EXPECT_TRUE(found.volumes[0].detached_header);
    EXPECT_EQ(found.volumes[0].content->name, "ext4");
    EXPECT_THAT(problems_of(found), IsEmpty());
    request.header_file = "another.img";
    EXPECT_EQ(inspect().error().code(), Code::header_damaged);
}

TEST_F(InspectTest, AnImageThatEndsInAPartitionIsCutOff) {
    put(kFirst, kClean);
    put(kSecond, kClean);
    disk.resize(kSecond + 8192);
    const ImageReport found = report();
    EXPECT_EQ(found.volumes[1].content->filesystem->verdict, FilesystemVerdict::clean);
    EXPECT_THAT(problems_of(found),
                ElementsAre("partition 2: the image ends before it does: 57344 of its 65536 bytes "
                            "are missing"));
    disk.resize(kFirst);
    EXPECT_THAT(report().volumes[1].not_looked_at, HasSubstr("none of it"));
}

TEST_F(InspectTest, HostilePartitionsDoNotOverflow) {
    probe.table->partitions = {partition(1, ~0ULL - 511, ~0ULL), partition(2, kFirst, ~0ULL)};
    const ImageReport found = report();
    EXPECT_EQ(found.volumes[0].bytes_there, 0U);
    EXPECT_EQ(found.volumes[1].bytes_there, kDisk - kFirst);
}

TEST_F(InspectTest, WithoutATableTheWholeIsOneVolume) {
    probe.table.reset();
    put(0, kClean);
    const ImageReport found = report();
    ASSERT_EQ(found.volumes.size(), 1U);
    EXPECT_EQ(found.volumes[0].partition.number, 0);
    EXPECT_EQ(found.volumes[0].content->name, "ext4");
    request.partition = 1;
    EXPECT_EQ(inspect().error().code(), Code::usage);
}

TEST_F(InspectTest, APartitionThatIsNotThereIsAMistake) {
    request.partition = 3;
    EXPECT_EQ(inspect().error().code(), Code::usage);
}

TEST_F(InspectTest, WhatIsOnlyRecognisedIsNamed) {
    probe.volumes[kFirst] = {.type = "ReFS", .usage = "filesystem", .label = "", .uuid = ""};
    put(kSecond + 512, "LABELONE");
    put(kSecond + 512 + 24, "LVM2 001");
    const ImageReport found = report();
    EXPECT_THAT(problems_of(found), IsEmpty());
    EXPECT_THAT(gaps_of(found),
                ElementsAre("partition 1: ReFS: recognised, not looked at",
                            "partition 2: LVM physical volume: its filesystems are not looked at"));
}

TEST_F(InspectTest, WhatIsMeantToHoldNoFilesystemIsNoGap) {
    probe.table->partitions[0].type = "e3c9e316-0b5c-4db8-817d-f92df00215ae";
    EXPECT_THAT(gaps_of(report()), ElementsAre("partition 2: nothing recognised"));
}

TEST_F(InspectTest, AVolumeThatCannotBeReadDoesNotHideTheOthers) {
    headers.failures.emplace("disk.img@" + std::to_string(kFirst),
                             fail(Code::volume_unreadable, "cannot read 'disk.img'"));
    put(kSecond, kClean);
    const ImageReport found = report();
    EXPECT_THAT(problems_of(found), ElementsAre("partition 1: cannot read 'disk.img'"));
    EXPECT_EQ(found.volumes[1].content->name, "ext4");
}

TEST_F(InspectTest, AVolumeThatNoGivenKeyOpensIsAProblem) {
    encrypt(kFirst, kClean);
    encrypt(kSecond, kClean);
    give_key("wrong");
    EXPECT_THAT(problems_of(report()), ElementsAre("partition 1: no key that was given opens it",
                                                   "partition 2: no key that was given opens it",
                                                   "key 'wrong' opens nothing"));
}

TEST_F(InspectTest, AWholeImageOfNothingIsAProblem) {
    probe.table.reset();
    EXPECT_THAT(problems_of(report()), ElementsAre("the volume: nothing is recognised on it"));
    encrypt(0, std::string(4096, '\0'));
    give_key("right");
    EXPECT_THAT(problems_of(report()), ElementsAre("the volume: nothing is recognised inside it"));
}

TEST_F(InspectTest, EncryptedDataBeyondTheImageIsAProblem) {
    probe.table.reset();
    encrypt(0, kClean).header.payload_offset_bytes = kDisk;
    EXPECT_THAT(problems_of(report()), ElementsAre(HasSubstr("ends before its encrypted data")));
}

TEST_F(InspectTest, TwoFilesystemsInOnePlaceAreNamedAndNotJudged) {
    std::string both = kClean;
    both.resize(kFirst, '\0');
    put(kSecond, both.replace(0, 4, "XFSB"));
    put(kFirst, kClean);
    const ImageReport found = report();
    EXPECT_THAT(problems_of(found), IsEmpty());
    EXPECT_THAT(gaps_of(found),
                ElementsAre(HasSubstr("partition 2: ext4 and xfs: recognised, not looked at")));
}

TEST_F(InspectTest, ACopyOfASuperblockTellsOfALostOne) {
    put(kFirst, kClean);
    put(kSecond + 6 * 512 + 0x52, "FAT32   ");
    EXPECT_THAT(problems_of(report()),
                ElementsAre("partition 2: there is a copy of the superblock of vfat, and not the "
                            "superblock itself"));
    disk.replace(kSecond, kFirst, std::string(kFirst, '\0'));
    put(kSecond + kFirst - 512 + 3, "NTFS    ");
    EXPECT_THAT(problems_of(report()), ElementsAre(HasSubstr("ntfs")));
}

TEST_F(InspectTest, TheConclusionSaysNoMoreThanWhatWasJudged) {
    put(kFirst, kClean);
    put(kSecond, kClean);
    EXPECT_EQ(conclusion_of(report()), "nothing speaks against it");
    disk.replace(kSecond, kFirst, std::string(kFirst, '\0'));
    EXPECT_EQ(conclusion_of(report()), "nothing speaks against what could be judged");
    disk.assign(kDisk, '\0');
    EXPECT_EQ(conclusion_of(report()), "nothing on it could be judged");
    put(kFirst, kDirty);
    EXPECT_EQ(conclusion_of(report()), "");
}

TEST_F(InspectTest, NamesCannotBeginALineOrTurnTheText) {
    probe.table->partitions[0].name =
        "a\nPROBLEM: b\x1B[2J\xC2\x9B\xE2\x80\xAE"
        "c\xC3\xA9";
    EXPECT_THAT(report_text(report()), HasSubstr("'a?PROBLEM: b?[2J??c\xC3\xA9'\n"));
}

TEST_F(InspectTest, TheTextSaysWhatAPersonAsks) {
    encrypt(kFirst, kClean).header.uuid = "u-1";
    put(kSecond, kDirty);
    give_key("right");
    const std::string text = report_text(report());
    EXPECT_THAT(text, HasSubstr("disk.img: raw, 256 KiB of disk, dos with 2 partitions, d-1\n"));
    EXPECT_THAT(text, HasSubstr("partition 1: 64 KiB at 64 KiB, Linux filesystem, 'data'\n"));
    EXPECT_THAT(text, HasSubstr("luks2, sound: aes-xts-plain64"));
    EXPECT_THAT(text, HasSubstr("keyslots: 1 argon2id\n"));
    EXPECT_THAT(text, HasSubstr("key 'right' opens keyslot 3\n"));
    EXPECT_THAT(text, HasSubstr("inside: ext4 'data'"));
    EXPECT_THAT(text, HasSubstr("PROBLEM: partition 2: ext4: its journal needs recovery\n"));
}

TEST_F(InspectTest, TheJsonSaysTheSameAndNoKey) {
    encrypt(kFirst, kClean);
    put(kSecond, kDirty);
    give_key("right");
    request.keys.back().name = "key file 'k'";
    const std::string text = report_json(report());
    EXPECT_THAT(text, ::testing::Not(HasSubstr("right")));
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json["form"], "raw");
    EXPECT_EQ(json["good"], false);
    EXPECT_EQ(json["volumes"][0]["encryption"]["keys"][0]["keyslot"], 3);
    EXPECT_EQ(json["volumes"][0]["content"]["filesystem"]["verdict"], "clean");
    EXPECT_EQ(json["volumes"][1]["content"]["filesystem"]["facts"]["needs_recovery"], "yes");
    EXPECT_THAT(json["problems"].get<std::vector<std::string>>(),
                Contains("partition 2: ext4: its journal needs recovery"));
}

}  // namespace
}  // namespace stillpoint
