// SPDX-License-Identifier: Apache-2.0
#include "handlers/handler_environment.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

constexpr char kFromTheVmAgent[] = R"([{"name": "H.T", "version": 1.0, "handlerEnvironment": {
    "logFolder": "/var/log/azure/H.T", "configFolder": "/var/lib/waagent/H.T-1.0.0.0/config",
    "statusFolder": "/var/lib/waagent/H.T-1.0.0.0/status",
    "heartbeatFile": "/var/lib/waagent/H.T-1.0.0.0/heartbeat.log",
    "eventsFolder": "/var/log/azure/H.T/events", "hostResolverAddress": ""}}])";

TEST(ParseHandlerEnvironment, ReadsWhatTheVmAgentWrites) {
    const auto environment = parse_handler_environment(kFromTheVmAgent);
    ASSERT_TRUE(environment) << environment.error().describe();
    EXPECT_EQ(environment->name, "H.T");
    EXPECT_EQ(environment->version, "1.0");
    EXPECT_EQ(environment->log_folder, "/var/log/azure/H.T");
    EXPECT_EQ(environment->config_folder, "/var/lib/waagent/H.T-1.0.0.0/config");
    EXPECT_EQ(environment->status_folder, "/var/lib/waagent/H.T-1.0.0.0/status");
    EXPECT_EQ(environment->events_folder, "/var/log/azure/H.T/events");
}

TEST(ParseHandlerEnvironment, TakesABareObjectAndDoesWithoutTheRest) {
    const auto environment = parse_handler_environment(
        R"({"name": "n", "version": "1", "handlerEnvironment": {"logFolder": "l",)"
        R"( "configFolder": "c", "statusFolder": "s"}})");
    ASSERT_TRUE(environment) << environment.error().describe();
    EXPECT_EQ(environment->version, "1");
    EXPECT_FALSE(environment->heartbeat_file);
    EXPECT_FALSE(environment->events_folder);
}

TEST(ParseHandlerEnvironment, NamesWhatIsMissing) {
    const auto error = [](std::string_view text) {
        const auto environment = parse_handler_environment(text);
        return environment ? "none" : environment.error().message();
    };
    EXPECT_EQ(error("["), "HandlerEnvironment.json: not JSON, from byte 2 on");
    EXPECT_EQ(error("[]"), "HandlerEnvironment.json.handlerEnvironment: required, but missing");
    EXPECT_EQ(error(R"([{"name": "n", "version": 1.0, "handlerEnvironment": {"logFolder": 1}}])"),
              "HandlerEnvironment.json.handlerEnvironment.logFolder: expected a string, found an "
              "integer");
}

TEST(ParseSequence, TakesANumberAndNothingElse) {
    EXPECT_EQ(parse_sequence("0"), 0);
    EXPECT_EQ(parse_sequence(" 17\n"), 17);
    for (const char* text : {"", " ", "-1", "x", "1x", "1.5", "99999999999999"}) {
        EXPECT_EQ(parse_sequence(text), std::nullopt) << text;
    }
}

TEST(NewestSequence, IsThatOfTheNewestSettingsFile) {
    EXPECT_EQ(newest_sequence({"HandlerState", "x.settings", "3.settings", "9.settings"}), 3);
    EXPECT_EQ(newest_sequence({"3_settings"}), std::nullopt);
}

TEST(ExtensionVersion, StandsBehindTheLastDash) {
    EXPECT_EQ(extension_version("/var/lib/waagent/A.B-1.0.9184.0/"), "1.0.9184.0");
    EXPECT_EQ(extension_version("/opt/stillpoint"), "");
}

}  // namespace
}  // namespace stillpoint
