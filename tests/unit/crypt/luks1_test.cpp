// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "platform/linux/crypt/digest.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

constexpr const char* kLuks1 = "--type luks1 --uuid 11111111-2222-3333-4444-555555555555";

TEST(Luks1, IsReadWithAllThatItsHeaderSays) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.format, EncryptionFormat::luks1);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_EQ(header.uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_EQ(header.cipher, "aes-xts-plain64");
    EXPECT_EQ(header.key_bits, 512);
    EXPECT_EQ(header.sector_bytes, 512);
    EXPECT_EQ(header.payload_offset_bytes, 2U << 20);
    EXPECT_EQ(header.keyslots, (std::vector<Keyslot>{{.number = 0, .kind = "pbkdf2"}}));
    EXPECT_FALSE(header.reencrypting);
    EXPECT_EQ(header.digests.header, linux_os::sha256_text(contents(volume, 0, 592)));
    // The first keyslot lies at the eighth sector; 64 bytes of key in 4000 stripes.
    EXPECT_EQ(header.digests.keyslots, linux_os::sha256_text(contents(volume, 4096, 64U * 4000)));
}

TEST(Luks1, IsReadAtAnOffset) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    const std::string disk = files.file("disk", 64U << 20);
    overwrite(disk, 1U << 20, contents(volume, 0, 4U << 20));
    const auto inside =
        read_unchanged({.path = disk, .offset_bytes = 1U << 20, .size_bytes = 32U << 20});
    ASSERT_TRUE(inside && *inside);
    EXPECT_EQ(**inside, header_of(volume));
    const auto outside = read_unchanged({.path = disk});
    ASSERT_TRUE(outside);
    EXPECT_FALSE(*outside);
}

TEST(Luks1, IsOpenedByItsKeyAndNoOther) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    files.tree().write("second", "battery staple");
    files.cryptsetup("luksAddKey -S 5 " + files.quick() + volume + " " + files.path("second"));
    const Result<int> first = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(first) << first.error().describe();
    EXPECT_EQ(*first, 0);
    const Result<int> second = try_unchanged(volume, "battery staple");
    ASSERT_TRUE(second) << second.error().describe();
    EXPECT_EQ(*second, 5);
    for (const char* wrong : {"correct horse\n", "Correct horse", ""}) {
        const Result<int> none = try_unchanged(volume, wrong);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code(), Code::key_mismatch) << none.error().describe();
    }
}

TEST(Luks1, GivesTheKeyThatCryptsetupWouldUse) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    files.cryptsetup("luksDump --dump-volume-key --volume-key-file " + files.path("dumped") + " " +
                     "--key-file " + files.path("key") + " " + volume);
    const Result<VolumeKey> key = unlock_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(key) << key.error().describe();
    EXPECT_EQ(key->key.reveal(), contents(files.path("dumped"), 0, 64));
    EXPECT_EQ(key->cipher, "aes-xts-plain64");
    EXPECT_EQ(key->payload_offset_bytes, 2U << 20);
    EXPECT_EQ(key->iv_offset_sectors, 0U);
}

TEST(Luks1, WithAnUnknownHashIsClassifiedAllTheSame) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    overwrite(volume, 72, std::string("nosuchhash\0", 11));
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.format, EncryptionFormat::luks1);
    EXPECT_EQ(header.state, HeaderState::not_understood);
    EXPECT_NE(header.problem.find("nosuchhash"), std::string::npos) << header.problem;
    EXPECT_EQ(header.cipher, "aes-xts-plain64");
    EXPECT_EQ(header.keyslots.size(), 1U);
    EXPECT_FALSE(header.digests.header.empty());
    const Result<int> opened = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::encryption_unsupported);
}

TEST(Luks1, WithACipherThatIsNowhereIsNeverTriedInTheKernel) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    overwrite(volume, 8, std::string("nosuch\0", 7));
    EXPECT_EQ(header_of(volume).cipher, "nosuch-xts-plain64");
    const Result<int> opened = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::encryption_unsupported);
}

TEST(Luks1, WhoseFieldsContradictEachOtherIsDamaged) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    constexpr std::uint64_t kStripesOfSlot3 = 208 + 3 * 48 + 44;
    overwrite(volume, kStripesOfSlot3, "\x7f");
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_NE(header.problem.find("keyslot 3"), std::string::npos) << header.problem;
    EXPECT_EQ(header.uuid, "11111111-2222-3333-4444-555555555555");
    EXPECT_EQ(header.digests, HeaderDigests());
    const Result<int> opened = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::header_damaged);
}

TEST(Luks1, CutOffWithinItsKeyslotsIsDamaged) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    boost::filesystem::resize_file(volume, 100000);
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_NE(header.problem.find("the volume ends"), std::string::npos) << header.problem;
    boost::filesystem::resize_file(volume, 500);
    EXPECT_EQ(header_of(volume).state, HeaderState::damaged);
}

TEST(Luks1, DisabledByAnOfflineReencryptionIsNamedSo) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks1);
    overwrite(volume, 4, "\xde\xad");
    const EncryptionHeader header = header_of(volume);
    EXPECT_TRUE(header.reencrypting);
    EXPECT_EQ(header.state, HeaderState::damaged);
    EXPECT_NE(header.problem.find("re-encryption"), std::string::npos) << header.problem;
}

}  // namespace
}  // namespace stillpoint::testing
