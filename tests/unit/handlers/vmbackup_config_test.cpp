// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/vmbackup_config.h"

#include <functional>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using std::chrono_literals::operator""s;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Config = VmBackupConfig;

/// One option of [SnapshotThread] and what it must come to; a warning where it is broken.
struct Row {
    const char* name;
    const char* line;
    std::function<bool(const Config&)> is_right;
    const char* warning = nullptr;

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.line; }
};

class VmBackupOption : public ::testing::TestWithParam<Row> {};

TEST_P(VmBackupOption, IsReadOrNamedInAWarning) {
    const auto read = parse_vmbackup_config("[SnapshotThread]\n" + std::string(GetParam().line));

    EXPECT_TRUE(GetParam().is_right(read.config));
    if (GetParam().warning == nullptr) {
        EXPECT_THAT(read.warnings, IsEmpty());
    } else {
        EXPECT_THAT(read.warnings,
                    ElementsAre(AllOf(StartsWith("'/etc/azure/vmbackup.conf' line 2"),
                                      HasSubstr(GetParam().warning))));
    }
}

bool is_default(const Config& config) {
    const Config other;
    return config.timeout == other.timeout && config.mounts_to_skip.empty() &&
           !config.snapshot_method && config.upload_status_and_log && config.write_log &&
           !config.disable_logging;
}

const Row kRows[] = {
    {"timeout", "timeout = 15", [](const Config& c) { return c.timeout == 15s; }},
    {"any_case", "TimeOut: 15", [](const Config& c) { return c.timeout == 15s; }},
    {"timeout_words", "timeout = soon", is_default,
     "[snapshotthread] timeout = 'soon': it is no whole number of seconds above 0; 60 s is used"},
    {"timeout_zero", "timeout = 0", is_default, "60 s is used"},
    {"timeout_negative", "timeout = -5", is_default, "60 s is used"},
    {"timeout_empty", "timeout =", is_default, "60 s is used"},
    {"timeout_huge", "timeout = 99999999999999999999", is_default, "60 s is used"},
    {"timeout_with_comment", "timeout = 15 ; short", is_default, "60 s is used"},
    {"skip", "MountsToSkip = /data,/srv/a b",
     [](const Config& c) {
         return c.mounts_to_skip == std::vector<std::string>{"/data", "/srv/a b"};
     }},
    {"skip_empty_entries", "MountsToSkip = ,/data,,",
     [](const Config& c) { return c.mounts_to_skip == std::vector<std::string>{"/data"}; }},
    {"skip_nothing", "MountsToSkip =", is_default},
    {"skip_root", "MountsToSkip = /", is_default, "'/' cannot be skipped; it is held as ever"},
    {"skip_root_among_others", "MountsToSkip = /a,/,/b",
     [](const Config& c) {
         return c.mounts_to_skip == std::vector<std::string>{"/a", "/b"};
     },
     "'/' cannot be skipped"},
    {"skip_with_blank", "MountsToSkip = /a, /b",
     [](const Config& c) {
         return c.mounts_to_skip == std::vector<std::string>{"/a", " /b"};
     },
     "blanks after a comma count"},
    {"method", "SnapshotMethod = onlyHost",
     [](const Config& c) { return c.snapshot_method == SnapshotMethod::only_host; }},
    {"method_any_case", "SnapshotMethod = FIRSTguestthenhost",
     [](const Config& c) { return c.snapshot_method == SnapshotMethod::first_guest_then_host; }},
    {"method_empty", "SnapshotMethod =", is_default},
    {"method_unknown", "SnapshotMethod = both", is_default, "what the request says is used"},
    {"upload_off", "UploadStatusAndLog = no",
     [](const Config& c) { return !c.upload_status_and_log; }},
    {"upload_lower_case", "UploadStatusAndLog = true", is_default},
    {"upload_broken", "UploadStatusAndLog = maybe", is_default,
     "it is neither true nor false; true is used"},
    {"write_log_off", "WriteLog = 0", [](const Config& c) { return !c.write_log; }},
    {"no_events", "disable_logging = 2", [](const Config& c) { return c.disable_logging; }},
    {"no_events_word", "disable_logging = True", [](const Config& c) { return c.disable_logging; }},
    {"events", "disable_logging = 0", is_default},
    {"events_broken", "disable_logging = never", is_default, "false is used"},
    {"unused", "seqsnapshot = 1", is_default,
     "seqsnapshot = '1': all disks are snapshotted at the same moment; it has no effect"},
    {"wait", "SafeFreezeWaitInSeconds = 20", is_default,
     "the hold's own limit says how long to wait"},
    {"logging_off", "LoggingOff = 1", is_default, "is kept in memory until after"},
    {"async_events", "async_event_logging = 1", is_default, "events are written after the hold"},
    {"only_local", "onlyLocalFilesystems = True", is_default,
     "network filesystems are never touched"},
    {"sudo_off", "sudo_off = 1", is_default, "no program is run"},
    {"failure_freeze", "OnAppFailureDoFsFreeze = False", is_default,
     "onappfailuredofsfreeze = 'False': filesystems are always held; it has no effect"},
    {"success_freeze", "OnAppSuccessDoFsFreeze = False", is_default, "filesystems are always held"},
    {"fsfreeze", "fsfreeze: False", is_default, "filesystems are always held"},
    {"snapshot_failed", "isanysnapshotfailed = True", is_default, "nothing is remembered"},
    {"unknown", "timout = 15", is_default, "this option is not known; it has no effect"},
    {"no_option", "timeout 15", is_default, "it is no 'key = value'; the line is not used"},
};

INSTANTIATE_TEST_SUITE_P(Lines, VmBackupOption, ::testing::ValuesIn(kRows),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ParseVmBackupConfig, GivesDefaultsForAFileThatIsNotThere) {
    const auto read = parse_vmbackup_config("");

    EXPECT_TRUE(is_default(read.config));
    EXPECT_THAT(read.warnings, IsEmpty());
}

TEST(ParseVmBackupConfig, DoesNotTakeOptionsOfOtherSections) {
    const auto read = parse_vmbackup_config("[Monitor]\nRun = yes\ntimeout = 5\n");

    EXPECT_EQ(read.config.timeout, 60s);
    EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("line 2, [monitor] run"),
                                           HasSubstr("line 3, [monitor] timeout")));
}

TEST(ParseVmBackupConfig, NamesWhatOtherSectionsAskFor) {
    const auto read = parse_vmbackup_config(
        "[Monitor]\nRun = yes\nStrace = yes\nLocation = /x\n[lsblkUser]\nusername = backup\n");

    EXPECT_THAT(
        read.warnings,
        ElementsAre(HasSubstr("line 2, [monitor] run = 'yes': no monitor program is started"),
                    HasSubstr("line 3, [monitor] strace"), HasSubstr("line 4, [monitor] location"),
                    HasSubstr("line 6, [lsblkuser] username = 'backup': no program is run")));
}

TEST(ParseVmBackupConfig, LetsTheLastOfEqualOptionsRule) {
    const auto read = parse_vmbackup_config(
        "[SnapshotThread]\nMountsToSkip=/a\nMountsToSkip=/b\ntimeout=5\ntimeout=x\n");

    EXPECT_THAT(read.config.mounts_to_skip, ElementsAre("/b"));
    EXPECT_EQ(read.config.timeout, 5s);
    EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("5 s is used")));
}

TEST(ParseVmBackupConfig, CutsAndCleansWhatItQuotes) {
    const auto read = parse_vmbackup_config("[SnapshotThread]\ntimeout = \x1b[31m" +
                                            std::string(1000, 'x') + "\n");

    ASSERT_THAT(read.warnings, SizeIs(1));
    EXPECT_LT(read.warnings[0].size(), 250U);
    EXPECT_THAT(read.warnings[0], HasSubstr("'?[31mx"));
}

}  // namespace
}  // namespace stillpoint
