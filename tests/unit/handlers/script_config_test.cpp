// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/script_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUsual[] = R"({
    "pluginName" : "ScriptRunner",
    "appName" : "oracle",
    "timeoutInSeconds" : 30,
    "continueBackupOnFailure" : false,
    "fsFreezeEnabled" : false,
    "ScriptsExecutionPollTimeSeconds" : 3,
    "preScriptLocation" : "/etc/azure/pre.sh",
    "postScriptLocation" : "/etc/azure/post.sh",
    "preScriptNoOfRetries" : 2,
    "postScriptNoOfRetries" : 1,
    "preScriptParams" : ["one", "two words", 3, true, null],
    "postScriptParams" : []
})";

TEST(ParseScriptConfig, ReadsEveryMember) {
    const auto read = parse_script_config(kUsual, "FILE");

    ASSERT_TRUE(read);
    const ScriptConfig& config = read->config;
    EXPECT_EQ(config.app_name, "oracle");
    EXPECT_EQ(config.timeout, std::chrono::seconds(30));
    EXPECT_FALSE(config.continue_on_failure);
    EXPECT_FALSE(config.freeze);
    EXPECT_EQ(config.pre, (ScriptCall{.location = "/etc/azure/pre.sh",
                                      .parameters = {"one", "two words", "3", "True", "None"},
                                      .retries = 2}));
    EXPECT_EQ(config.post,
              (ScriptCall{.location = "/etc/azure/post.sh", .parameters = {}, .retries = 1}));
    EXPECT_THAT(read->warnings, IsEmpty());
}

TEST(ParseScriptConfig, NeedsOnlyTheLocations) {
    const auto read =
        parse_script_config(R"({"preScriptLocation":"a","postScriptLocation":"b"})", "FILE");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->config.timeout, std::chrono::seconds(10));
    EXPECT_EQ(read->config.pre.retries, 0);
    EXPECT_TRUE(read->config.continue_on_failure);
    EXPECT_TRUE(read->config.freeze);
}

TEST(ParseScriptConfig, WarnsOfEachMemberThatIsNotUnderstoodAndGoesOn) {
    const auto read = parse_script_config(R"({"preScriptLocation":"a","postScriptLocation":"b",
"timeoutInSeconds": "soon",
"preScriptNoOfRetries": -1,
"continueBackupOnFailure": "perhaps",
"preScriptParams": "x",
"surprise": 1})",
                                          "FILE");

    ASSERT_TRUE(read);
    EXPECT_THAT(
        read->warnings,
        ElementsAre("'FILE' line 6, surprise: this member is not known; it has no effect",
                    "'FILE' line 2, timeoutInSeconds: it is no number of seconds above 0; 10 s is "
                    "used",
                    "'FILE' line 4, continueBackupOnFailure: it is neither true nor false; true is "
                    "used",
                    "'FILE' line 3, preScriptNoOfRetries: it is no number of runs; the script is "
                    "run once",
                    "'FILE' line 5, preScriptParams: it is no list; the script gets no "
                    "parameters"));
}

TEST(ParseScriptConfig, IsAsLenientAsTheReadersBefore) {
    const auto read = parse_script_config(
        R"({"preScriptLocation":"old","preScriptLocation":"a","postScriptLocation":"b",
            "timeoutInSeconds":"45", "fsFreezeEnabled":"False", "preScriptNoOfRetries": 1.0})",
        "FILE");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->config.pre.location, "a");
    EXPECT_EQ(read->config.timeout, std::chrono::seconds(45));
    EXPECT_FALSE(read->config.freeze);
    EXPECT_EQ(read->config.pre.retries, 1);
    EXPECT_THAT(read->warnings, IsEmpty());
}

struct Broken {
    std::string text;
    const char* why;
};

TEST(ParseScriptConfig, NamesWhatItCannotDoWithout) {
    const std::string much(40 * 1024, 'x');
    for (const Broken& row : {
             Broken{"", "'FILE': line 1: it is no JSON from there on"},
             Broken{"{\n\"preScriptLocation\": \"a\",\n}", "'FILE': line 3: it is no JSON"},
             Broken{"[]", "it is no JSON object"},
             Broken{R"({"timeoutInSeconds": 1e999})", "it holds a number out of range"},
             Broken{R"({"postScriptLocation":"b"})", "preScriptLocation is missing"},
             Broken{R"({"preScriptLocation":"a","postScriptLocation":7})",
                    "postScriptLocation: it is no string"},
             Broken{R"({"preScriptLocation":"a\u0000b","postScriptLocation":"b"})",
                    "preScriptLocation: it holds a zero byte"},
             Broken{R"({"preScriptLocation":"a","postScriptLocation":"b",)"
                    R"("preScriptParams":["\u0000"]})",
                    "preScriptParams: a parameter holds a zero byte"},
             Broken{R"({"preScriptLocation":"a","postScriptLocation":"b","postScriptParams":[")" +
                        much + "\"]}",
                    "postScriptParams: more than 32768 bytes"},
         }) {
        const auto read = parse_script_config(row.text, "FILE");
        ASSERT_FALSE(read) << row.why;
        EXPECT_EQ(read.error().code(), Code::script_config_malformed);
        EXPECT_THAT(read.error().message(), HasSubstr(row.why));
    }
}

}  // namespace
}  // namespace stillpoint
