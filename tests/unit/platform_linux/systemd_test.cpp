// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/systemd.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint::linux_os {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

TEST(SystemdRunWords, HandTheEnvironmentOverBecauseAUnitInheritsNone) {
    const TransientService service{.unit = "a-backup",
                                   .properties = {"KillMode=mixed"},
                                   .command = {"/x/program", "worker"},
                                   .after_stop = {"/x/guard", "--thaw-stale"},
                                   .environment = {"https_proxy=http://p.test:1", "no_proxy=*"}};
    EXPECT_THAT(
        systemd_run_words(service),
        ::testing::ElementsAre("systemd-run", "--quiet", "--collect", "--unit=a-backup",
                               "--property=KillMode=mixed", "--setenv=https_proxy=http://p.test:1",
                               "--setenv=no_proxy=*",
                               "--property=ExecStopPost=/bin/sh -c \"exec /x/guard "
                               "--thaw-stale\"",
                               "--", "/bin/sh", "-c", "exec /x/program worker"));
}

TEST(PassedEnvironment, HasWhatTheVmAgentSetButNotWhatIsEachServicesOwn) {
    const std::string features = R"([{"Key": "ExtensionTelemetryPipeline", "Value": "1.0"}])";
    ::setenv("AZURE_GUEST_AGENT_EXTENSION_SUPPORTED_FEATURES", features.c_str(), 1);
    ::setenv("ConfigSequenceNumber", "7", 1);
    ::setenv("INVOCATION_ID", "0123", 1);
    ::setenv("NOTIFY_SOCKET", "/run/x", 1);
    ::setenv("SP_TWO_LINES", "one\ntwo", 1);
    ::setenv("SP-NO-NAME", "x", 1);

    const std::vector<std::string> passed = passed_environment();

    EXPECT_THAT(passed, Contains("ConfigSequenceNumber=7"));
    EXPECT_THAT(passed, Contains("AZURE_GUEST_AGENT_EXTENSION_SUPPORTED_FEATURES=" + features));
    for (const char* name : {"INVOCATION_ID", "NOTIFY_SOCKET", "SP_TWO_LINES", "SP-NO-NAME"}) {
        EXPECT_THAT(passed, Not(Contains(StartsWith(name)))) << name;
        ::unsetenv(name);
    }
}

TEST(WithoutProxyLogins, LeavesOutOnlyProxiesWithALogin) {
    EXPECT_THAT(without_proxy_logins({"https_proxy=http://u:p@proxy.test:1", "ALL_PROXY=u:p@x",
                                      "Http_Proxy=http://proxy.test:1", "MAIL=a@b.test", "no_proxy",
                                      "PROXY_A=b=c"}),
                ::testing::ElementsAre("Http_Proxy=http://proxy.test:1", "MAIL=a@b.test",
                                       "no_proxy", "PROXY_A=b=c"));
}

}  // namespace
}  // namespace stillpoint::linux_os
