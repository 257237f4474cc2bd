// SPDX-License-Identifier: Apache-2.0
#include "inspect/bytes.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using namespace std::string_view_literals;

TEST(Bytes, AreReadInBothOrders) {
    constexpr std::string_view kBytes = "\x01\x02\x03\x04\x05\x06\x07\xF8"sv;
    EXPECT_EQ(le16(kBytes, 0), 0x0201);
    EXPECT_EQ(le32(kBytes, 1), 0x05040302U);
    EXPECT_EQ(le64(kBytes, 0), 0xF807060504030201U);
    EXPECT_EQ(be16(kBytes, 6), 0x07F8);
    EXPECT_EQ(be32(kBytes, 0), 0x01020304U);
    EXPECT_EQ(be64(kBytes, 0), 0x01020304050607F8U);
}

TEST(Bytes, AreNeverReadPastTheEnd) {
    EXPECT_THROW((void)le32("abc"sv, 0), std::out_of_range);
    EXPECT_THROW((void)be16("abc"sv, 2), std::out_of_range);
    EXPECT_THROW((void)byte_at("abc"sv, 3), std::out_of_range);
    EXPECT_THROW((void)le64("abcdefgh"sv, static_cast<std::size_t>(-1)), std::out_of_range);
}

TEST(Bytes, TextEndsAtAZeroOrWithItsPadding) {
    EXPECT_EQ(padded_text("ab\0cd"sv, 0, 5), "ab");
    EXPECT_EQ(padded_text("xBEK VOLUME "sv, 1, 11), "BEK VOLUME");
    EXPECT_EQ(padded_text("    "sv, 0, 4), "");
    EXPECT_EQ(padded_text("a\x1B[2Jb"sv, 0, 6), "a?[2Jb");
}

TEST(Bytes, UuidIsInTheOrderOfTheDisk) {
    EXPECT_EQ(uuid_text("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"sv, 0),
              "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(Crc32c, HasTheCheckValueOfItsDefinition) {
    // RFC 3720, appendix B.4, and the catalogue of parametrised CRC algorithms: "123456789".
    EXPECT_EQ(~crc32c(~0U, "123456789"), 0xE3069283U);
}

TEST(Crc32, HasTheCheckValueOfItsDefinition) {
    EXPECT_EQ(~crc32(~0U, "123456789"), 0xCBF43926U);
}

}  // namespace
}  // namespace stillpoint
