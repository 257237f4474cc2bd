// SPDX-License-Identifier: Apache-2.0
#include "handlers/telemetry_facts.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using Command = std::vector<std::string>;

TEST(GuestAgentVersion, IsThatOfTheAgentThatCalled) {
    const Command shell = {"/bin/sh", "-c", "/var/lib/waagent/X-1.0/bin/stillpoint enable"};
    const Command updated = {"python3", "-u", "bin/WALinuxAgent-2.9.1.1-py3.8.egg",
                             "-run-exthandlers"};
    const Command packaged = {"/usr/bin/python3", "-u", "/usr/sbin/waagent", "-run-exthandlers"};
    const Command daemon = {"/usr/bin/python3", "-u", "/usr/sbin/waagent", "-daemon"};
    EXPECT_EQ(guest_agent_version({shell, updated, daemon}, "2.7.3.0"), "2.9.1.1");
    EXPECT_EQ(guest_agent_version({shell, packaged, daemon}, "2.7.3.0"), "2.7.3.0");
    EXPECT_EQ(guest_agent_version({}, "2.7.3.0"), "2.7.3.0");
    EXPECT_EQ(guest_agent_version({shell}, ""), "Unknown");
}

TEST(GuestAgentVersion, TakesNoOtherTextForAVersion) {
    const Command other = {"less", "WALinuxAgent-1.2.3.4.log"};
    const Command broken = {"python3", "WALinuxAgent-next", "-run-exthandlers"};
    EXPECT_EQ(guest_agent_version({other}, ""), "Unknown");
    EXPECT_EQ(guest_agent_version({broken}, "soon"), "Unknown");
    EXPECT_EQ(guest_agent_version({broken}, "2"), "Unknown");
    EXPECT_EQ(guest_agent_version({}, std::string(1000, '1') + ".1"), "Unknown");
}

TEST(DatabaseNames, AreListedOnceInTheWireForm) {
    EXPECT_EQ(database_names({"systemd", "bash"}), "[]");
    EXPECT_EQ(database_names({"postgres", "mariadbd", "mysqld", "ora_pmon_ORCL", "mongod"}),
              "['mysqld', 'postgresql', 'oracle', 'mongo']");
    EXPECT_EQ(database_names({"my-mysqld-exporter"}), "[]");
}

}  // namespace
}  // namespace stillpoint
