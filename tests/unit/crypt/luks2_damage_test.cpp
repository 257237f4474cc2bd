// SPDX-License-Identifier: Apache-2.0
// LUKS2 headers that something happened to. cryptsetup itself would write to them.
#include <random>

#include <gtest/gtest.h>

#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

constexpr const char* kLuks2 = "--type luks2 --uuid 11111111-2222-3333-4444-555555555555";
constexpr std::uint64_t kCopyBytes = 16384;
constexpr std::uint64_t kInJson = 4096 + 100;

class DamagedLuks2 : public ::testing::Test {
protected:
    void expect_opens() {
        const Result<int> opened = try_unchanged(volume_, VolumeFiles::kPassphrase);
        ASSERT_TRUE(opened) << opened.error().describe();
        EXPECT_EQ(*opened, 0);
    }

    VolumeFiles files_;
    std::string volume_ = files_.luks("volume", kLuks2);
    EncryptionHeader before_ = header_of(volume_);
    std::string second_copy_ = contents(volume_, kCopyBytes, kCopyBytes);
};

TEST_F(DamagedLuks2, FirstCopyDamagedIsReadFromTheSecond) {
    overwrite(volume_, kInJson, "X");
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::one_copy_damaged);
    EXPECT_EQ(header.problem, "the first copy of the header is damaged: its checksum is wrong");
    EXPECT_EQ(header.digests.header, linux_os::sha256_text(second_copy_));
    EXPECT_EQ(header.digests.keyslots, before_.digests.keyslots);
    EXPECT_EQ(header.uuid, before_.uuid);
    EXPECT_EQ(header.keyslots, before_.keyslots);
    expect_opens();
}

TEST_F(DamagedLuks2, FirstCopyWipedIsReadFromTheSecond) {
    overwrite(volume_, 0, std::string(kCopyBytes, '\0'));
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::one_copy_damaged);
    EXPECT_EQ(header.problem, "the first copy of the header is not there");
    EXPECT_EQ(header.uuid, before_.uuid);
    expect_opens();
}

TEST_F(DamagedLuks2, SecondCopyDamagedIsNamed) {
    overwrite(volume_, kCopyBytes + kInJson, "X");
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::one_copy_damaged);
    EXPECT_EQ(header.problem, "the second copy of the header is damaged: its checksum is wrong");
    EXPECT_EQ(header.digests, before_.digests);
    expect_opens();
}

TEST_F(DamagedLuks2, BothCopiesDamagedIsBeyondUse) {
    overwrite(volume_, kInJson, "X");
    overwrite(volume_, kCopyBytes + kInJson, "X");
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_EQ(header.uuid, before_.uuid);
    EXPECT_EQ(header.digests, HeaderDigests());
    const Result<int> opened = try_unchanged(volume_, VolumeFiles::kPassphrase);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::header_damaged);
}

TEST_F(DamagedLuks2, OlderCopyIsNamedAndNotUsed) {
    const std::string old = contents(volume_, 0, kCopyBytes);
    files_.cryptsetup("config --label newer " + volume_);
    overwrite(volume_, 0, old);
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::one_copy_damaged);
    EXPECT_EQ(header.problem, "the first copy of the header is older than the second");
    EXPECT_EQ(header.label, "newer");
}

TEST_F(DamagedLuks2, CutOffWithinItsKeyslotsIsDamaged) {
    boost::filesystem::resize_file(volume_, 3 * kCopyBytes);
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_NE(header.problem.find("'" + volume_ + "' is too small"), std::string::npos)
        << header.problem;
    boost::filesystem::resize_file(volume_, 1000);
    EXPECT_EQ(header_of(volume_).state, HeaderState::damaged);
}

TEST_F(DamagedLuks2, FormattedAnewIsNoLongerEncrypted) {
    overwrite(volume_, 0, "-rom1fs-" + std::string(kCopyBytes - 8, '\0'));
    const auto header = read_unchanged({.path = volume_});
    ASSERT_TRUE(header);
    EXPECT_FALSE(*header);
}

TEST_F(DamagedLuks2, BesideAnotherSignatureIsNotOpenedByCryptsetupAndWeSayWhy) {
    overwrite(volume_, 0, std::string(kCopyBytes, '\0'));
    overwrite(volume_, 1024, std::string("\x01\0\0\0\xff\0\0\0", 8));  // mkswap's version and size
    overwrite(volume_, 4086, "SWAPSPACE2");
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_NE(header.problem.find("'swap'"), std::string::npos) << header.problem;
    expect_opens();
}

TEST_F(DamagedLuks2, OfAVersionToComeIsStillCalledEncrypted) {
    overwrite(volume_, 6, std::string("\x00\x07", 2));
    overwrite(volume_, kCopyBytes, std::string(6, '\0'));
    const EncryptionHeader header = header_of(volume_);
    EXPECT_EQ(header.state, HeaderState::not_understood);
}

TEST_F(DamagedLuks2, WhateverByteIsFlippedNothingCrashesAndNothingIsWritten) {
    const std::string good = contents(volume_, 0, 2 * kCopyBytes);
    const linux_os::LinuxEncryptionHeaders headers;
    const unsigned seed = std::random_device()();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        // Mostly where there is something: in the binary headers and the JSON text.
        const std::uint64_t at = random() % 5000 + (random() % 4 == 0 ? kCopyBytes : 0);
        std::string flipped = good;
        flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1 + random() % 255));
        overwrite(volume_, at, flipped.substr(at, 1));
        const auto header = headers.read({.path = volume_});
        ASSERT_TRUE(header && *header) << at;
        EXPECT_EQ(contents(volume_, 0, 2 * kCopyBytes), flipped) << at;
        EXPECT_EQ((*header)->uuid, before_.uuid) << at;
        // The checksum's field is longer than SHA-256 is.
        const std::uint64_t in_copy = at % kCopyBytes;
        EXPECT_EQ((*header)->state, in_copy >= 480 && in_copy < 512 ? HeaderState::sound
                                                                    : HeaderState::one_copy_damaged)
            << at;
        overwrite(volume_, at, good.substr(at, 1));
    }
    EXPECT_EQ(header_of(volume_), before_);
}

}  // namespace
}  // namespace stillpoint::testing
