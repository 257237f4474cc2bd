// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "platform/linux/crypt/digest.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

constexpr const char* kUuid = "11111111-2222-3333-4444-555555555555";
constexpr const char* kLuks2 =
    "--type luks2 --sector-size 512 --uuid 11111111-2222-3333-4444-555555555555 --label data";
constexpr std::uint64_t kCopyBytes = 16384;

TEST(Luks2, IsReadWithAllThatItsHeaderSays) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.format, EncryptionFormat::luks2);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_EQ(header.uuid, kUuid);
    EXPECT_EQ(header.label, "data");
    EXPECT_EQ(header.cipher, "aes-xts-plain64");
    EXPECT_EQ(header.key_bits, 512);
    EXPECT_EQ(header.sector_bytes, 512);
    EXPECT_EQ(header.payload_offset_bytes, 16U << 20);
    EXPECT_EQ(header.keyslots, (std::vector<Keyslot>{{.number = 0, .kind = "pbkdf2"}}));
    EXPECT_TRUE(header.tokens.empty());
    EXPECT_FALSE(header.reencrypting);
    EXPECT_EQ(header.digests.header, linux_os::sha256_text(contents(volume, 0, kCopyBytes)));
    // Its area is behind both copies; its size is that of the stripes, rounded up.
    EXPECT_EQ(header.digests.keyslots,
              linux_os::sha256_text(contents(volume, 2 * kCopyBytes, 258048)));
}

TEST(Luks2, WithLargeSectorsSaysSo) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", "--type luks2 --sector-size 4096");
    EXPECT_EQ(header_of(volume).sector_bytes, 4096);
    const Result<VolumeKey> key = unlock_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(key) << key.error().describe();
    EXPECT_EQ(key->sector_bytes, 4096);
}

TEST(Luks2, DetachedHeaderIsReadFromItsFile) {
    VolumeFiles files;
    const std::string header_file = files.path("header");
    const std::string volume = files.luks("volume", "--type luks2 --header " + header_file);
    const EncryptionHeader header = header_of(header_file);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_EQ(header.payload_offset_bytes, 0U);
    const Result<int> opened = try_unchanged(header_file, VolumeFiles::kPassphrase);
    ASSERT_TRUE(opened) << opened.error().describe();
    const auto data = read_unchanged({.path = volume});
    ASSERT_TRUE(data);
    EXPECT_FALSE(*data);
}

TEST(Luks2, WithAMemoryHardKeyslotIsReadWithoutDerivingAKey) {
    VolumeFiles files;
    const std::string volume = files.file("volume");
    files.cryptsetup(
        "luksFormat --type luks2 --pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 "
        "--pbkdf-parallel 1 --key-file " +
        files.path("key") + " " + volume);
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.keyslots, (std::vector<Keyslot>{{.number = 0, .kind = "argon2id"}}));
    const Result<int> opened = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(opened) << opened.error().describe();
}

TEST(Luks2, TellsOfTokensOfWhateverKind) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    files.cryptsetup("token import --token-id 3 " + volume,
                     R"({"type":"Azure_Disk_Encryption","keyslots":["0"],"vault":"https://v/"})");
    files.cryptsetup("token import " + volume, R"({"type":"clevis","keyslots":[],"jwe":{}})");
    EXPECT_EQ(
        header_of(volume).tokens,
        (std::vector<KeyToken>{{.number = 0, .type = "clevis", .keyslots = {}},
                               {.number = 3, .type = "Azure_Disk_Encryption", .keyslots = {0}}}));
}

TEST(Luks2, KnowsKeyslotsThatDoNotOpenTheVolume) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    files.tree().write("other", "battery staple");
    files.tree().write("volume key", std::string(32, 'k'));
    files.cryptsetup("luksAddKey --unbound --key-size 256 --volume-key-file '" +
                     files.path("volume key") + "' " + files.quick() + volume + " " +
                     files.path("other"));
    EXPECT_EQ(header_of(volume).keyslots,
              (std::vector<Keyslot>{{.number = 0, .kind = "pbkdf2"},
                                    {.number = 1, .kind = "pbkdf2", .bound = false}}));
    const Result<int> opened = try_unchanged(volume, "battery staple");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::key_mismatch) << opened.error().describe();
}

TEST(Luks2, IsOpenedByItsKeyAndNoOther) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    const Result<int> first = try_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(first) << first.error().describe();
    EXPECT_EQ(*first, 0);
    for (const char* wrong : {"correct horse\n", "Correct horse", ""}) {
        const Result<int> none = try_unchanged(volume, wrong);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code(), Code::key_mismatch) << none.error().describe();
        EXPECT_EQ(none.error().describe().find("horse"), std::string::npos);
    }
}

TEST(Luks2, GivesTheKeyThatCryptsetupWouldUse) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    files.cryptsetup("luksDump --dump-volume-key --volume-key-file " + files.path("dumped") + " " +
                     "--key-file " + files.path("key") + " " + volume);
    const Result<VolumeKey> key = unlock_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_TRUE(key) << key.error().describe();
    EXPECT_EQ(key->key.reveal(), contents(files.path("dumped"), 0, 64));
    EXPECT_EQ(key->cipher, "aes-xts-plain64");
    EXPECT_EQ(key->payload_offset_bytes, 16U << 20);
}

TEST(Luks2, ReencryptionThatHasBegunIsNamed) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", kLuks2);
    files.cryptsetup("reencrypt --init-only " + files.quick() + volume);
    const EncryptionHeader header = header_of(volume);
    EXPECT_TRUE(header.reencrypting);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_EQ(header.cipher, "aes-xts-plain64");
    const Result<int> opened = try_unchanged(volume, VolumeFiles::kPassphrase);
    EXPECT_TRUE(opened) << opened.error().describe();
    const Result<VolumeKey> key = unlock_unchanged(volume, VolumeFiles::kPassphrase);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code(), Code::encryption_unsupported);
}

TEST(Luks2, EncryptionInPlaceThatHasBegunIsNamed) {
    VolumeFiles files;
    const std::string volume = files.file("volume", 64U << 20);
    overwrite(volume, 0, std::string(1U << 20, 'd'));
    files.cryptsetup("reencrypt --encrypt --init-only --type luks2 --reduce-device-size 32M " +
                     files.quick() + volume);
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.state, HeaderState::sound) << header.problem;
    EXPECT_TRUE(header.reencrypting);
}

}  // namespace
}  // namespace stillpoint::testing
