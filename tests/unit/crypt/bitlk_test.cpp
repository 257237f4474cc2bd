// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "platform/linux/crypt/bitlk_layout.h"
#include "platform/linux/crypt/digest.h"
#include "tests/unit/crypt/bitlk_image.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

class Bitlk : public ::testing::Test {
protected:
    std::string volume(const BitlkImage& image) {
        const std::string path = files_.file("volume");
        overwrite(path, 0, image.bytes());
        return path;
    }
    /// Damages the metadata block of this number.
    static void damage(const std::string& path, std::size_t block) {
        overwrite(path, BitlkImage::kBlockOffset + block * BitlkImage::kBlockBytes + 200, "X");
    }

    VolumeFiles files_;
    BitlkImage image_;
};

TEST_F(Bitlk, IsReadWithAllThatItsMetadataSays) {
    const std::string path = volume(image_);
    const EncryptionHeader header = header_of(path);
    EXPECT_EQ(header.format, EncryptionFormat::bitlk);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_EQ(header.uuid, BitlkImage::kGuid);
    EXPECT_EQ(header.label, "My disk\xc3\xa4");
    EXPECT_EQ(header.cipher, "aes-xts-plain64");
    EXPECT_EQ(header.key_bits, 256);
    EXPECT_EQ(header.keyslots, (std::vector<Keyslot>{{.number = 0, .kind = "passphrase"},
                                                     {.number = 1, .kind = "recovery passphrase"},
                                                     {.number = 2, .kind = "external key"},
                                                     {.number = 3, .kind = "TPM"}}));
    EXPECT_FALSE(header.reencrypting);
    const std::size_t used = linux_os::parse_bitlk_block(
                                 contents(path, BitlkImage::kBlockOffset, BitlkImage::kBlockBytes))
                                 .value()
                                 .used_bytes;
    EXPECT_EQ(header.digests.header,
              linux_os::sha256_text(contents(path, BitlkImage::kBlockOffset, used)));
    EXPECT_TRUE(header.digests.keyslots.empty());
}

TEST_F(Bitlk, ToGoIsReadToo) {
    image_.to_go = true;
    EXPECT_EQ(header_of(volume(image_)).uuid, BitlkImage::kGuid);
}

TEST_F(Bitlk, IsOpenedByItsBekFileAndNoOther) {
    const std::string path = volume(image_);
    const Result<int> slot = try_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_TRUE(slot) << slot.error().describe();
    EXPECT_EQ(*slot, 2);
    const Result<VolumeKey> key = unlock_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_TRUE(key) << key.error().describe();
    EXPECT_EQ(key->key.reveal(), image_.volume_key);
    EXPECT_EQ(key->cipher, "aes-xts-plain64");
    EXPECT_EQ(key->head_offset_bytes, 4U << 20);
    EXPECT_EQ(key->head_bytes, 8192U);
    std::string cut = image_.bek_file();
    cut.pop_back();
    for (const std::string& wrong : {image_.foreign_bek_file(), cut, std::string()}) {
        const Result<int> none = try_unchanged(path, wrong, KeyKind::bek_file);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code(), Code::key_mismatch) << none.error().describe();
    }
}

TEST_F(Bitlk, KeyIsTriedOnProtectorsOfItsKindAlone) {
    const std::string path = volume(image_);
    const Result<int> none = try_unchanged(path, image_.bek_file(), KeyKind::recovery_password);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Code::key_mismatch) << none.error().describe();
}

TEST_F(Bitlk, WithItsFirstMetadataDamagedIsReadFromTheNext) {
    const std::string path = volume(image_);
    damage(path, 0);
    damage(path, 1);
    const EncryptionHeader header = header_of(path);
    EXPECT_EQ(header.state, HeaderState::one_copy_damaged);
    EXPECT_EQ(header.problem, "2 of the three metadata blocks are damaged");
    EXPECT_EQ(header.uuid, BitlkImage::kGuid);
    const Result<int> slot = try_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    EXPECT_TRUE(slot) << slot.error().describe();
}

TEST_F(Bitlk, WithAllMetadataDamagedIsBeyondUse) {
    const std::string path = volume(image_);
    for (std::size_t block = 0; block < 3; ++block) {
        damage(path, block);
    }
    EXPECT_EQ(header_of(path).state, HeaderState::damaged);
    const Result<int> slot = try_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().code(), Code::header_damaged);
}

TEST_F(Bitlk, WithoutAKeyOfTheRightSizeIsNotHandedToTheLibrary) {
    image_.volume_key = "short";
    const std::string path = volume(image_);
    EXPECT_EQ(header_of(path).state, HeaderState::damaged);
    const Result<int> slot = try_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().code(), Code::header_damaged);
}

TEST_F(Bitlk, OfAnUnknownCipherIsClassifiedAllTheSame) {
    image_.cipher = 0x9999;
    const std::string path = volume(image_);
    const EncryptionHeader header = header_of(path);
    EXPECT_EQ(header.state, HeaderState::not_understood);
    EXPECT_EQ(header.uuid, BitlkImage::kGuid);
    const Result<int> slot = try_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().code(), Code::encryption_unsupported);
}

TEST_F(Bitlk, OfVistaIsClassifiedAllTheSame) {
    const std::string path = volume(image_);
    overwrite(path, 1, "\x52");
    EXPECT_EQ(header_of(path).state, HeaderState::not_understood);
}

TEST_F(Bitlk, ThatStillEncryptsIsNotDecryptedWithOneKey) {
    image_.state = 2;
    const std::string path = volume(image_);
    EXPECT_TRUE(header_of(path).reencrypting);
    EXPECT_TRUE(try_unchanged(path, image_.bek_file(), KeyKind::bek_file));
    const Result<VolumeKey> key = unlock_unchanged(path, image_.bek_file(), KeyKind::bek_file);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code(), Code::encryption_unsupported);
}

TEST_F(Bitlk, FatVolumesAreNone) {
    image_.to_go = true;
    const std::string path = volume(image_);
    overwrite(path, 424, std::string(16, '\0'));
    const auto header = read_unchanged({.path = path});
    ASSERT_TRUE(header);
    EXPECT_FALSE(*header);
}

}  // namespace
}  // namespace stillpoint::testing
