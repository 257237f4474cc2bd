// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/agent_config.h"

#include <functional>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using Config = AgentConfig;
using Devices = std::vector<DeviceNumber>;

/// Lines and what they must come to; a warning where one is broken.
struct Row {
    const char* name;
    const char* text;
    std::function<bool(const Config&)> is_right;
    const char* warning = nullptr;

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.text; }
};

class AgentOption : public ::testing::TestWithParam<Row> {};

TEST_P(AgentOption, IsReadOrNamedInAWarning) {
    const auto read = parse_agent_config(GetParam().text);

    EXPECT_TRUE(GetParam().is_right(read.config));
    if (GetParam().warning == nullptr) {
        EXPECT_THAT(read.warnings, IsEmpty());
    } else {
        EXPECT_THAT(read.warnings,
                    ElementsAre(AllOf(StartsWith("'/etc/stillpoint/stillpoint.conf' line 2"),
                                      HasSubstr(GetParam().warning))));
    }
}

bool is_default(const Config& config) {
    return config.hold_limit == 20s && config.rehearsal && !config.only_devices &&
           config.disks.empty() && config.host.shown() == "http://168.63.129.16:80" &&
           config.ca_bundle.empty();
}

const Row kHoldRows[] = {
    {"limit", "[hold]\nlimit = 8", [](const Config& c) { return c.hold_limit == 8s; }},
    {"limit_seconds", "[hold]\nlimit = 8 s", [](const Config& c) { return c.hold_limit == 8s; }},
    {"limit_ms", "[hold]\nlimit = 1500ms", [](const Config& c) { return c.hold_limit == 1500ms; }},
    {"limit_smallest", "[hold]\nlimit = 100 ms",
     [](const Config& c) { return c.hold_limit == 100ms; }},
    {"limit_too_small", "[hold]\nlimit = 99ms", is_default,
     "[hold] limit = '99ms': it is no time between 100 ms and 60 s; 20 s is used"},
    {"limit_too_large", "[hold]\nlimit = 61s", is_default, "20 s is used"},
    {"limit_unit", "[hold]\nlimit = 1m", is_default, "20 s is used"},
    {"limit_fraction", "[hold]\nlimit = 1.5s", is_default, "20 s is used"},
    {"limit_empty", "[hold]\nlimit =", is_default, "20 s is used"},
    {"no_rehearsal", "[hold]\nrehearsal = off", [](const Config& c) { return !c.rehearsal; }},
    {"rehearsal_broken", "[hold]\nrehearsal = sometimes", is_default, "true is used"},
    {"only_devices", "[hold]\nonly_devices = 252:0, 252:16",
     [](const Config& c) {
         return c.only_devices == Devices{{252, 0}, {252, 16}};
     }},
    {"only_devices_broken_entry", "[hold]\nonly_devices = 252:0,sdb",
     [](const Config& c) {
         return c.only_devices == Devices{{252, 0}};
     },
     "'sdb' is no device number like 8:1; that entry lets nothing be frozen"},
    {"only_devices_empty",
     "[hold]\nonly_devices =", [](const Config& c) { return c.only_devices == Devices{}; },
     "it names no device; nothing may be frozen"},
    {"unknown_key", "[hold]\nlimits = 8", is_default, "this option is not known"},
    {"unknown_section", "[holds]\nlimit = 8", is_default, "this option is not known"},
};

bool maps(const Config& config, const DiskPlace& place) {
    return config.disks == std::vector<DiskMapping>{{.name = "sdc", .place = place}};
}

const Row kOtherRows[] = {
    {"lun", "[disks]\nsdc = 3", [](const Config& c) { return maps(c, {.lun = 3}); }},
    {"os_disk", "[disks]\nsdc = -1", [](const Config& c) { return maps(c, {.lun = -1}); }},
    {"local", "[disks]\nsdc = Local", [](const Config& c) { return maps(c, {.local = true}); }},
    {"path_in_dev", "[disks]\n/dev/sdc = 3", [](const Config& c) { return maps(c, {.lun = 3}); }},
    {"other_path", "[disks]\n/dev/disk/by-id/x = 3", is_default,
     "it does not begin with a device's name"},
    {"last_one_rules", "[disks]\nsdc = 3\nsdc = local",
     [](const Config& c) { return maps(c, {.local = true}); }},
    {"lun_negative", "[disks]\nsdc = -2", is_default, "what is found out about the disk is used"},
    {"lun_too_large", "[disks]\nsdc = 16384", is_default, "it is no LUN"},
    {"endpoint", "[host]\nendpoint = http://localhost:8080/",
     [](const Config& c) { return c.host.shown() == "http://localhost:8080"; }},
    {"endpoint_default_port", "[host]\nendpoint = http://10.0.0.1",
     [](const Config& c) { return c.host.shown() == "http://10.0.0.1:80"; }},
    {"endpoint_tls", "[host]\nendpoint = https://host.example",
     [](const Config& c) { return c.host.tls && c.host.port == 443; }},
    {"endpoint_scheme", "[host]\nendpoint = ftp://10.0.0.1", is_default,
     "http://168.63.129.16:80 is used"},
    {"endpoint_path", "[host]\nendpoint = http://10.0.0.1/x", is_default, "is used"},
    {"endpoint_user", "[host]\nendpoint = http://u@h", is_default, "is used"},
    {"endpoint_port", "[host]\nendpoint = http://h:0", is_default, "is used"},
    {"endpoint_no_host", "[host]\nendpoint = http://:80", is_default, "is used"},
    {"at_boot", "[restore]\nat_boot = Apply", [](const Config& c) { return c.reinstall_at_boot; }},
    {"at_boot_notice", "[restore]\nat_boot = notice", is_default},
    {"at_boot_broken", "[restore]\nat_boot = yes", is_default,
     "it is neither 'notice' nor 'apply'; 'notice' is used"},
    {"ca_bundle", "[tls]\nca_bundle = /etc/ssl/own.pem",
     [](const Config& c) { return c.ca_bundle == "/etc/ssl/own.pem"; }},
    {"ca_bundle_relative", "[tls]\nca_bundle = own.pem", is_default,
     "it is no absolute path; the system's certificates are used"},
};

std::string name_of_row(const ::testing::TestParamInfo<Row>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Hold, AgentOption, ::testing::ValuesIn(kHoldRows), name_of_row);
INSTANTIATE_TEST_SUITE_P(Others, AgentOption, ::testing::ValuesIn(kOtherRows), name_of_row);

TEST(ParseAgentConfig, GivesDefaultsForAFileThatIsNotThere) {
    const auto read = parse_agent_config("");

    EXPECT_TRUE(is_default(read.config));
    EXPECT_THAT(read.warnings, IsEmpty());
}

TEST(ParseAgentConfig, WarnsOfTwoDisksWithOneLun) {
    const auto read = parse_agent_config("[disks]\nsda = 1\nsdb = 1\nsda = 1\nsdc = 2\n");

    EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("'sda' has the same LUN; both have it"),
                                           HasSubstr("'sdb' has the same LUN")));
}

TEST(HoldLimit, IsTheSmallerOfBothFiles) {
    AgentConfig ours;
    VmBackupConfig vmbackup;

    EXPECT_EQ(hold_limit(ours, vmbackup), 20s);
    vmbackup.timeout = 5s;
    EXPECT_EQ(hold_limit(ours, vmbackup), 5s);
    ours.hold_limit = 1500ms;
    EXPECT_EQ(hold_limit(ours, vmbackup), 1500ms);
    ours.hold_limit = 60s;
    vmbackup.timeout = 600s;
    EXPECT_EQ(hold_limit(ours, vmbackup), 60s);
}

}  // namespace
}  // namespace stillpoint
