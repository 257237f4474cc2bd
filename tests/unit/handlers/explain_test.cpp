// SPDX-License-Identifier: Apache-2.0
#include "handlers/explain.h"

#include <gtest/gtest.h>

#include "tests/unit/handlers/golden.h"

namespace stillpoint {
namespace {

TEST(Explain, TellsWhatANumberMeansAndWhatToDo) {
    const auto text = explain("121");
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, testing::golden("explain_121.txt"));
}

TEST(Explain, KnowsNamesToo) {
    EXPECT_EQ(*explain("FailedRetryableFsFreezeFailed"), *explain("121"));
    EXPECT_EQ(explain("freeze_failed")->substr(0, 14), "freeze_failed:");
    EXPECT_NE(explain("freeze_failed")->find(*explain("121")), std::string::npos);
}

TEST(Explain, KnowsWhatTheServiceSaysOfEncryptedMachines) {
    for (const char* code :
         {"UserErrorEncryptedVmNotSupportedWithDiskEx", "UserErrorKeyVaultPermissionsNotConfigured",
          "DiskEncryptionInternalError", "BCMProtGetSaSUriAsyncError", "UserErrorKeyVaultNotFound",
          "EncryptedWithBekOnly"}) {
        const auto text = explain(code);
        ASSERT_TRUE(text) << code;
        EXPECT_TRUE(text->starts_with(std::string(code) + "\n")) << *text;
        EXPECT_NE(text->find("\n  what to do: "), std::string::npos) << *text;
    }
    EXPECT_NE(explain("EncryptedWithBekOnly")->find("2017"), std::string::npos);
}

TEST(Explain, SaysWhenThereIsNoSuchCode) {
    for (const char* code : {"", "9999", "121x", "-1", "freeze"}) {
        const auto text = explain(code);
        ASSERT_FALSE(text) << code;
        EXPECT_EQ(text.error().code(), Code::usage);
    }
}

}  // namespace
}  // namespace stillpoint
