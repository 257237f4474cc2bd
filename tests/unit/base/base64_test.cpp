// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

TEST(DecodeBase64, ReadsTheVectorsOfRfc4648) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zm8="), "fo");
    EXPECT_EQ(decode_base64("Zm9v"), "foo");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64("+/+/"), "\xFB\xFF\xBF");
}

TEST(DecodeBase64, SkipsLineBreaks) {
    EXPECT_EQ(decode_base64("Zm9v\r\nYm\nFy\n"), "foobar");
}

TEST(DecodeBase64, RefusesEverythingElse) {
    for (const char* text :
         {"Z", "Zg", "Zg=", "Zg===", "====", "Z===", "Zm9v!", "Zg==Zg==", "-_-_"}) {
        EXPECT_FALSE(decode_base64(text)) << text;
    }
}

TEST(DecodeBase64Leniently, SkipsForeignCharactersAndMakesUpForPadding) {
    EXPECT_EQ(decode_base64_leniently("'Zm9v\r\n-Ym_Fy!'"), "foobar");
    EXPECT_EQ(decode_base64_leniently("Zg"), "f");
    EXPECT_EQ(decode_base64_leniently("Zg="), "f");
    EXPECT_EQ(decode_base64_leniently("Zm8=Zm8="), "fo");
    EXPECT_EQ(decode_base64_leniently("=Z=m9v"), "foo");
    EXPECT_EQ(decode_base64_leniently("!"), "");
    EXPECT_FALSE(decode_base64_leniently("Zm9vZ"));
}

TEST(EncodeBase64, WritesTheVectorsOfRfc4648) {
    EXPECT_EQ(encode_base64(""), "");
    EXPECT_EQ(encode_base64("f"), "Zg==");
    EXPECT_EQ(encode_base64("fo"), "Zm8=");
    EXPECT_EQ(encode_base64("foo"), "Zm9v");
    EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(encode_base64("\xFB\xFF\xBF"), "+/+/");
}

}  // namespace
}  // namespace stillpoint
