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

TEST(Explain, SaysWhenThereIsNoSuchCode) {
    for (const char* code : {"", "9999", "121x", "-1", "freeze"}) {
        const auto text = explain(code);
        ASSERT_FALSE(text) << code;
        EXPECT_EQ(text.error().code(), Code::usage);
    }
}

}  // namespace
}  // namespace stillpoint
