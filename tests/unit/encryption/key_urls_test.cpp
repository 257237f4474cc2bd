// SPDX-License-Identifier: Apache-2.0
#include "encryption/key_urls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kOneDisk = R"({
    "diskEncryptionKey": {"secretUrl": "https://v.example/secrets/s/1",
                          "sourceVault": {"id": "/subscriptions/x/vaults/v"}},
    "keyEncryptionKey": {"keyUrl": "https://v.example/keys/k/1",
                         "sourceVault": {"id": "/subscriptions/x/vaults/v"}}})";
const KeyUrls kUrls = {"https://v.example/secrets/s/1", "https://v.example/keys/k/1",
                       "/subscriptions/x/vaults/v"};

TEST(KeyUrls, OfOneDiskAreForAll) {
    EXPECT_THAT(parse_key_urls(kOneDisk), ElementsAre(DiskKeyUrls{std::nullopt, kUrls}));
}

TEST(KeyUrls, MayBeInBase64AndInAnyCase) {
    std::string text = kOneDisk;
    text.replace(text.find("diskEncryptionKey"), 17, "DiskEncryptionKey");
    EXPECT_THAT(parse_key_urls(encode_base64(text)), ElementsAre(DiskKeyUrls{std::nullopt, kUrls}));
}

TEST(KeyUrls, MayBeInATextWithinTheJson) {
    const std::string text = R"("{\"keyEncryptionKey\": \"https://k\"}")";
    const DiskKeyUrls expected{std::nullopt, {"", "https://k", ""}};
    EXPECT_THAT(parse_key_urls(text), ElementsAre(expected));
    EXPECT_THAT(parse_key_urls('"' + encode_base64(R"({"keyEncryptionKey": "https://k"})") + '"'),
                ElementsAre(expected));
    EXPECT_THAT(parse_key_urls(R"("\"\\\"x\\\"\"")"), IsEmpty()) << "once, not for ever";
}

TEST(KeyUrls, OfOneBlobAreNotForTheOthers) {
    const std::string plain = R"({"keyEncryptionKey": "https://k"})";
    const std::string placed = R"({"lun": 3, "keyEncryptionKey": "https://k"})";
    const DiskKeyUrls for_all{std::nullopt, {"", "https://k", ""}};
    const DiskKeyUrls for_one{3, {"", "https://k", ""}};

    EXPECT_THAT(parse_blob_key_urls({plain, ""}), IsEmpty());
    EXPECT_THAT(parse_blob_key_urls({plain}), ElementsAre(for_all));
    EXPECT_THAT(parse_blob_key_urls({plain, plain}), ElementsAre(for_all, for_all));
    EXPECT_THAT(parse_blob_key_urls({"", placed}), ElementsAre(for_one));
    EXPECT_THAT(parse_blob_key_urls({}), IsEmpty());
}

TEST(KeyUrls, AreReadByDisk) {
    EXPECT_THAT(parse_key_urls(
                    R"([{"diskId": -1, "keyEncryptionKey": "https://kv.vault.example/keys/k/1"},
                        {"lun": "3", "diskEncryptionKey": {"secretUrl": "https://s"}}])"),
                ElementsAre(DiskKeyUrls{-1, {"", "https://kv.vault.example/keys/k/1", ""}},
                            DiskKeyUrls{3, {"https://s", "", ""}}));
}

TEST(KeyUrls, AreFoundWithinASettingsCollection) {
    EXPECT_THAT(
        parse_key_urls(
            R"({"lun": 2, "encryptionSettingsCollection": {"enabled": true, "encryptionSettings": [
               {"diskEncryptionKey": {"secretUrl": "https://s"}}]}})"),
        ElementsAre(DiskKeyUrls{2, {"https://s", "", ""}}));
}

TEST(KeyUrls, ThatAreNotUnderstoodSayNothing) {
    for (const char* text : {"", "x", "null", "[1, null]", "\"text\"", "c2V0dGluZ3M=",
                             R"({"a": 1})", R"({"diskEncryptionKey": {"secretUrl": 5}})",
                             R"({"diskEncryptionKey": {"secretUrl": "http://plain"}})",
                             R"({"diskEncryptionKey": {"secretUrl": "https://line\nbreak"}})"}) {
        EXPECT_THAT(parse_key_urls(text), IsEmpty()) << text;
    }
    EXPECT_EQ(parse_key_urls(R"([{"lun": -5, "keyEncryptionKey": "https://k"}])").at(0).lun,
              std::nullopt);
    EXPECT_EQ(parse_key_urls(R"([{"lun": 99999999999999999999, "keyEncryptionKey": "https://k"}])")
                  .size(),
              1U);
}

TEST(KeyUrls, LoseTheirQueryWhichMightHoldAToken) {
    EXPECT_EQ(parse_key_urls(R"({"keyEncryptionKey": "https://k/1?sig=secret"})")
                  .at(0)
                  .urls.key_encryption,
              "https://k/1");
}

TEST(KeyUrls, GoToTheirVolumes) {
    EncryptionSurvey survey;
    survey.volumes.resize(3);
    survey.volumes[0].luns = {-1};
    survey.volumes[1].luns = {3};
    survey.volumes[1].of_azure = true;
    const KeyUrls os{"https://os", "", ""};
    const KeyUrls rest{"https://rest", "", ""};

    join_key_urls(survey, {{-1, os}, {std::nullopt, rest}, {7, kUrls}});

    EXPECT_EQ(survey.volumes[0].keys, os);
    EXPECT_EQ(survey.volumes[1].keys, rest);
    EXPECT_EQ(survey.volumes[2].keys, KeyUrls()) << "it is not Azure's";
}

TEST(KeyUrls, ThatContradictEachOtherAreNobodys) {
    EncryptionSurvey survey;
    survey.volumes.resize(1);
    survey.volumes[0].of_azure = true;

    join_key_urls(survey, {{std::nullopt, {"https://a", "", ""}},
                           {std::nullopt, {"https://b", "", ""}},
                           {std::nullopt, {"https://a", "", ""}}});

    EXPECT_EQ(survey.volumes[0].keys, KeyUrls());
}

}  // namespace
}  // namespace stillpoint
