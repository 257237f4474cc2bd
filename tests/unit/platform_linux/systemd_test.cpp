// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint::linux_os {
namespace {

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

}  // namespace
}  // namespace stillpoint::linux_os
