// SPDX-License-Identifier: Apache-2.0
// The parts that are functions of bytes.
#include <gtest/gtest.h>

#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/cipher_support.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/header_copy.h"
#include "platform/linux/crypt/luks2_json.h"
#include "platform/linux/crypt/luks2_layout.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::string_view_literals;

TEST(Bytes, PastTheEndThereAreZeros) {
    EXPECT_EQ(big_endian("\x01\x02"sv, 0, 2), 0x0102U);
    EXPECT_EQ(big_endian("\x01\x02"sv, 1, 4), 0x02000000U);
    EXPECT_EQ(little_endian("\x01\x02"sv, 0, 2), 0x0201U);
    EXPECT_EQ(little_endian("\x01\x02"sv, 1, 8), 2U);
    EXPECT_EQ(little_endian(""sv, 100, 8), 0U);
    EXPECT_EQ(text_field("abc\0def"sv, 1, 6), "bc");
    EXPECT_EQ(text_field("abc"sv, 9, 6), "");
    EXPECT_EQ(guid_text("\x33"sv, 0), "00000033-0000-0000-0000-000000000000");
}

TEST(Bytes, TextIsFitForPeopleAndJson) {
    EXPECT_EQ(printable("a\x1b[2Jb\n"), "a?[2Jb?");
    EXPECT_EQ(printable("\xc3\xa4"), "\xc3\xa4");
    EXPECT_EQ(printable("a\xff"), "a\xef\xbf\xbd");
}

TEST(Bytes, HaveTheChecksumsThatAreKnown) {
    EXPECT_EQ(crc32_of("123456789"), 0xcbf43926U);
    EXPECT_EQ(sha256_text("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_FALSE(Digest::of("nosuchhash"));
}

TEST(Luks2Layout, NeedsMagicVersionAndPlace) {
    std::string binary = "LUKS\xba\xbe" + std::string("\0\2\0\0\0\0\0\0\x40\0", 10);
    binary.resize(Luks2Copy::kBinaryBytes);
    const auto copy = parse_luks2_binary(binary, 0);
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->bytes, 0x4000U);
    EXPECT_EQ(check_luks2(*copy, binary), Luks2Checksum::wrong);  // cut off
    EXPECT_FALSE(parse_luks2_binary(binary, 0x4000));
    EXPECT_FALSE(parse_luks2_binary(binary.substr(1), 0));
    binary[7] = 1;
    EXPECT_FALSE(parse_luks2_binary(binary, 0));
    binary[7] = 2;
    binary[8] = '\x7f';  // a size beyond all limits
    const auto large = parse_luks2_binary(binary, 0);
    ASSERT_TRUE(large);
    EXPECT_EQ(large->bytes, 0U);
}

TEST(Luks2Json, OfAnyShapeIsTaken) {
    for (const std::string& text :
         {std::string(), std::string("null"), std::string("{"), std::string("[1,2]"),
          std::string(R"({"keyslots":[],"segments":7,"digests":"x","tokens":null,"config":[]})"),
          std::string(
              R"({"keyslots":{"0":1,"x":{},"-1":{}},"segments":{"0":[]},"tokens":{"a":{}}})"),
          std::string(1U << 20, '['), std::string("\xff\xfe{}")}) {
        const Luks2Content content = parse_luks2_json(text);
        EXPECT_TRUE(content.tokens.empty()) << text.substr(0, 80);
        EXPECT_FALSE(content.simple);
    }
}

TEST(Luks2Json, TellsWhatItUnderstands) {
    const Luks2Content content = parse_luks2_json(R"json({
        "keyslots": {"1": {"type": "luks2", "key_size": 64, "kdf": {"type": "argon2id"},
                           "area": {"offset": "32768", "size": "258048"}},
                     "10": {"type": "luks2", "key_size": 32, "kdf": {"type": "pbkdf2"},
                            "area": {"offset": "290816", "size": "131072"}}},
        "segments": {"0": {"type": "crypt", "offset": "16777216", "size": "dynamic",
                           "iv_tweak": "8", "encryption": "aes-xts-plain64", "sector_size": 4096,
                           "integrity": {"type": "hmac(sha256)"}}},
        "digests": {"0": {"keyslots": ["1"], "segments": ["0"]},
                    "1": {"keyslots": ["10"], "segments": []}},
        "config": {"requirements": {"mandatory": ["teleport"]}}})json");
    EXPECT_EQ(content.keyslots,
              (std::vector<Keyslot>{{.number = 1, .kind = "argon2id"},
                                    {.number = 10, .kind = "pbkdf2", .bound = false}}));
    EXPECT_EQ(content.key_areas, (std::vector<Stretch>{{32768, 258048}, {290816, 131072}}));
    EXPECT_EQ(content.key_bits, 512);
    EXPECT_EQ(content.sector_bytes, 4096);
    EXPECT_EQ(content.payload_offset_bytes, 16U << 20);
    EXPECT_EQ(content.iv_offset_sectors, 8U);
    EXPECT_EQ(content.unknown_requirement, "teleport");
    EXPECT_FALSE(content.simple);  // it has integrity tags
}

TEST(CipherSupport, KnowsWhatOpensslHas) {
    EXPECT_TRUE(decrypts_in_user_space("aes-xts-plain64", 512));
    EXPECT_TRUE(decrypts_in_user_space("aes-cbc-essiv:sha256", 256));
    EXPECT_TRUE(decrypts_in_user_space("aes-cbc-plain", 128));
    for (const char* unknown : {"", "aes", "aes-xts", "aes-xts-lmk", "nosuch-xts-plain64",
                                "aes-nosuch-plain64", "aes-cbc-essiv:nosuch", "aes-cbc-essiv:"}) {
        EXPECT_FALSE(decrypts_in_user_space(unknown, 256)) << unknown;
    }
    EXPECT_FALSE(decrypts_in_user_space("aes-xts-plain64", 24));
}

TEST(HeaderCopy, TakesNoMoreThanItsLimit) {
    testing::VolumeFiles files;
    const auto volume =
        VolumeReader::open({.path = files.file("volume", HeaderCopy::kMostBytes + 4096)});
    ASSERT_TRUE(volume);
    auto copy = HeaderCopy::make(volume->size());
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->put_from(*volume, {{0, HeaderCopy::kMostBytes}}));
    const Result<void> beyond = copy->put_from(*volume, {{HeaderCopy::kMostBytes, 1}});
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code(), Code::encryption_unsupported);
}

}  // namespace
}  // namespace stillpoint::linux_os
