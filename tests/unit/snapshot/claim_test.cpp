// SPDX-License-Identifier: Apache-2.0
#include "snapshot/claim.h"

#include <cerrno>
#include <chrono>
#include <functional>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using std::chrono_literals::operator""ms;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A backup of two disks in which everything went right.
struct Backup {
    GuestPlan plan;
    HoldEvidence evidence;
    SnapshotOutcome snapshots;
    QuiescedApplications applications{.any_required = true, .all_verified = true, .why_not = ""};

    Claim claimed() const { return claim(plan, evidence, snapshots, applications); }
};

FilesystemEvidence held(const FilesystemToHold& filesystem) {
    return {.filesystem = filesystem,
            .outcome = FreezeOutcome::held,
            .freeze_begun = 90ms,
            .frozen = 95ms,
            .thaw_begun = 205ms,
            .thawed = 206ms};
}

DeviceEvidence still(const std::string& name) {
    return {
        .name = name,
        .readable = true,
        .after_freeze = {.sectors_written = 4096, .sectors_discarded = 8, .writes_in_flight = 0},
        .before_thaw = {.sectors_written = 4096, .sectors_discarded = 8, .writes_in_flight = 0}};
}

Backup good_backup() {
    Backup backup;
    backup.plan.hold.filesystems = {
        {.device = {8, 16}, .mount_point = "/data", .type = "xfs", .mount_id = 40, .level = 0},
        {.device = {8, 1}, .mount_point = "/", .type = "ext4", .mount_id = 28, .level = 1}};
    backup.plan.hold.watched = {{.device = {8, 15},
                                 .mount_point = "/boot/efi",
                                 .type = "vfat",
                                 .block_devices = {"sda15"}}};
    backup.plan.hold.block_devices = {"sda1", "sda15", "sdb"};
    backup.plan.disks = {"sda", "sdb"};
    for (const FilesystemToHold& filesystem : backup.plan.hold.filesystems) {
        backup.evidence.filesystems.push_back(held(filesystem));
    }
    backup.evidence.watched = {
        {.filesystem = backup.plan.hold.watched[0], .still = true, .why_not = ""}};
    for (const std::string& name : backup.plan.hold.block_devices) {
        backup.evidence.devices.push_back(still(name));
    }
    backup.evidence.action_begun = 100ms;
    backup.evidence.action_ended = 200ms;
    backup.evidence.deadline = 20'000ms;
    backup.snapshots.by = SnapshotOutcome::By::host;
    backup.snapshots.disks.resize(2);
    backup.snapshots.disks[0].successful = true;
    backup.snapshots.disks[1].successful = true;
    backup.snapshots.first_sent = 101ms;
    backup.snapshots.last_reply = 199ms;
    backup.snapshots.answered = true;
    return backup;
}

/// One condition that is broken, the level that is left and what the reason says.
struct Row {
    const char* name;
    std::function<void(Backup&)> break_it;
    Consistency level;
    const char* reason;

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class BrokenCondition : public ::testing::TestWithParam<Row> {};

TEST_P(BrokenCondition, LowersTheClaimAndIsNamed) {
    Backup backup = good_backup();
    GetParam().break_it(backup);

    const Claim result = backup.claimed();

    EXPECT_EQ(result.level, GetParam().level) << name_of(result.level);
    EXPECT_THAT(result.reasons, Contains(HasSubstr(GetParam().reason)));
}

const Row kHoldRows[] = {
    {"foreign_freeze",
     [](Backup& b) { b.evidence.filesystems[0].outcome = FreezeOutcome::foreign; },
     Consistency::crash, "'/data' (xfs) had been frozen by somebody else"},
    {"refused",
     [](Backup& b) {
         b.evidence.filesystems[0].outcome = FreezeOutcome::refused;
         b.evidence.filesystems[0].freeze_errno = EIO;
     },
     Consistency::crash, "'/data' (xfs) could not be frozen: Input/output error"},
    {"not_openable",
     [](Backup& b) {
         b.evidence.filesystems[0].outcome = FreezeOutcome::not_openable;
         b.evidence.filesystems[0].freeze_errno = ENOENT;
     },
     Consistency::crash, "'/data' (xfs) could not be opened: No such file"},
    {"too_slow", [](Backup& b) { b.evidence.filesystems[1].outcome = FreezeOutcome::too_slow; },
     Consistency::crash, "'/' (ext4) took too long to freeze"},
    {"replaced", [](Backup& b) { b.evidence.filesystems[0].outcome = FreezeOutcome::replaced; },
     Consistency::crash, "'/data' (xfs) was not frozen: another filesystem is mounted there"},
    {"not_tried", [](Backup& b) { b.evidence.filesystems[0].outcome = FreezeOutcome::not_tried; },
     Consistency::crash, "'/data' (xfs) was not frozen: the hold ended before its turn"},
    {"not_allowed",
     [](Backup& b) { b.evidence.filesystems[0].outcome = FreezeOutcome::not_allowed; },
     Consistency::crash, "'/data' (xfs) was not frozen: it is outside only_devices"},
    {"early_thaw", [](Backup& b) { b.evidence.filesystems[0].thaw_errno = EINVAL; },
     Consistency::crash, "'/data' (xfs) was let go early by somebody else"},
    {"thaw_failed", [](Backup& b) { b.evidence.filesystems[0].thaw_errno = EIO; },
     Consistency::crash, "letting go of '/data' (xfs) failed: Input/output error"},
    {"owner_lost", [](Backup& b) { b.evidence.filesystems[1].owner_lost = true; },
     Consistency::crash, "the process that held '/' (ext4) died"},
    {"guard_lost", [](Backup& b) { b.evidence.guard_lost = true; }, Consistency::crash,
     "the guard was lost"},
    {"overran", [](Backup& b) { b.evidence.overran = true; }, Consistency::crash,
     "everything was let go at the deadline"},
    {"frozen_too_late", [](Backup& b) { b.evidence.filesystems[0].frozen = 102ms; },
     Consistency::crash, "'/data' (xfs) was frozen only after the first snapshot request"},
    {"thawed_too_early", [](Backup& b) { b.evidence.filesystems[0].thaw_begun = 198ms; },
     Consistency::crash, "'/data' (xfs) was let go before the last reply"},
    {"never_known_frozen", [](Backup& b) { b.evidence.filesystems[0].frozen.reset(); },
     Consistency::crash, "not recorded from when until when '/data' (xfs)"},
    {"thaw_unknown", [](Backup& b) { b.evidence.filesystems[0].thaw_begun.reset(); },
     Consistency::crash, "not recorded from when until when '/data' (xfs)"},
    {"planned_but_missing",
     [](Backup& b) { b.evidence.filesystems.erase(b.evidence.filesystems.begin()); },
     Consistency::crash, "'/data' (xfs) was planned, but nothing is recorded"},
    {"another_superblock_in_its_place",
     [](Backup& b) {
         b.evidence.filesystems[0].filesystem.device = {8, 32};
     },
     Consistency::crash, "'/data' (xfs) was planned, but nothing is recorded"},
    {"recorded_twice_once_bad",
     [](Backup& b) {
         b.evidence.filesystems.push_back(b.evidence.filesystems[0]);
         b.evidence.filesystems.back().thaw_errno = EINVAL;
     },
     Consistency::crash, "'/data' (xfs) was let go early"},
    {"requests_before_the_action", [](Backup& b) { b.evidence.action_begun = 150ms; },
     Consistency::crash, "not asked for and answered within the hold"},
    {"reply_after_the_action", [](Backup& b) { b.snapshots.last_reply = 201ms; },
     Consistency::crash, "not asked for and answered within the hold"},
    {"times_never_set",
     [](Backup& b) {
         b.snapshots.first_sent = Instant{};
         b.snapshots.last_reply = Instant{};
     },
     Consistency::crash, "'/data' (xfs) was frozen only after the first snapshot request"},
    {"nothing_held",
     [](Backup& b) {
         b.evidence = {.not_held = fail(Code::freeze_failed, "cannot freeze '/data'")};
     },
     Consistency::crash, "nothing was held: cannot freeze '/data'"},
};

const Row kDeviceRows[] = {
    {"vfat_moved",
     [](Backup& b) {
         b.evidence.watched[0].still = false;
         b.evidence.watched[0].why_not = "8 sectors were written";
     },
     Consistency::crash, "'/boot/efi' (vfat) cannot be frozen and was not still: 8 sectors"},
    {"vfat_sync_failed", [](Backup& b) { b.evidence.watched[0].sync_errno = EIO; },
     Consistency::crash, "syncing it failed: Input/output error"},
    {"vfat_not_watched", [](Backup& b) { b.evidence.watched.clear(); }, Consistency::crash,
     "'/boot/efi' (vfat) cannot be frozen, and nothing is recorded"},
    {"sectors_moved", [](Backup& b) { b.evidence.devices[2].before_thaw.sectors_written = 4104; },
     Consistency::crash,
     "'sdb' was written to during the hold: its sector count went from 4096 to 4104"},
    {"sectors_discarded",
     [](Backup& b) { b.evidence.devices[2].before_thaw.sectors_discarded = 16; },
     Consistency::crash, "'sdb' had sectors discarded"},
    {"write_in_flight", [](Backup& b) { b.evidence.devices[0].after_freeze.writes_in_flight = 1; },
     Consistency::crash, "'sda1' had writes in flight"},
    {"counters_unreadable", [](Backup& b) { b.evidence.devices[1].readable = false; },
     Consistency::crash, "the counters of 'sda15' could not be read"},
    {"counters_missing", [](Backup& b) { b.evidence.devices.pop_back(); }, Consistency::crash,
     "the counters of 'sdb' could not be read"},
    {"nothing_measured", [](Backup& b) { b.plan.hold.block_devices.clear(); }, Consistency::crash,
     "no block device was measured"},
    {"skipped_mount",
     [](Backup& b) {
         b.plan.left_out.push_back({.device = {8, 32},
                                    .mount_point = "/scratch",
                                    .type = "xfs",
                                    .why = "MountsToSkip names it",
                                    .lowers_claim = true});
     },
     Consistency::crash, "'/scratch' (xfs) was not held: MountsToSkip names it"},
    {"swap_elsewhere",
     [](Backup& b) {
         b.plan.swap_file_devices = {"sda1"};
         b.evidence.devices[2].before_thaw.sectors_written = 4104;
     },
     Consistency::crash, "'sdb' was written to"},
    {"swap_device_unreadable",
     [](Backup& b) {
         b.plan.swap_file_devices = {"sda1"};
         b.evidence.devices[0].readable = false;
     },
     Consistency::crash, "the counters of 'sda1' could not be read"},
    {"unreadable_beside_a_covered_one",
     [](Backup& b) {
         b.plan.covered_devices = {"sda1"};
         b.evidence.devices[2].readable = false;
     },
     Consistency::crash, "the counters of 'sdb' could not be read"},
    {"covered_but_moved",
     [](Backup& b) {
         b.plan.covered_devices = {"sda1", "sdb"};
         b.evidence.devices[2].before_thaw.sectors_written = 4104;
     },
     Consistency::crash, "'sdb' was written to"},
    {"covered_by_what_was_not_held",
     [](Backup& b) {
         b.plan.covered_devices = {"sda1", "sdb"};
         b.evidence.devices[2].readable = false;
         b.evidence.filesystems[0].thaw_errno = EINVAL;
     },
     Consistency::crash, "'/data' (xfs) was let go early"},
};

const Row kSnapshotRows[] = {
    {"unmentioned", [](Backup& b) { b.snapshots.disks_unmentioned = 1; }, Consistency::none,
     "the host told of 2 of 3 disks"},
    {"one_disk_failed",
     [](Backup& b) {
         b.snapshots.disks[1].successful = false;
         b.snapshots.disks[1].error = fail(Code::blob_refused, "the blob answered 409");
     },
     Consistency::none, "there is no snapshot of disk 2 of 2: the blob answered 409"},
    {"all_disks_failed",
     [](Backup& b) {
         b.snapshots.disks.clear();
         b.snapshots.disks.resize(2);
     },
     Consistency::none, "there is no snapshot of disk 1 of 2"},
    {"no_disks", [](Backup& b) { b.snapshots.disks.clear(); }, Consistency::none,
     "no snapshot was taken"},
    {"nobody_took_one", [](Backup& b) { b.snapshots = SnapshotOutcome(); }, Consistency::none,
     "no snapshot was taken"},
    {"not_all_answered", [](Backup& b) { b.snapshots.answered = false; }, Consistency::none,
     "not every snapshot request was answered"},
    {"request_failed",
     [](Backup& b) { b.snapshots.error = fail(Code::host_refused, "the host answered 500"); },
     Consistency::none, "the snapshot request failed: the host answered 500"},
    {"held_nothing_and_stack_spans",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.evidence = {.not_held = fail(Code::freeze_failed, "cannot freeze '/data'")};
     },
     Consistency::none, "lie across several disks"},
    {"early_thaw_with_writes_and_stack_spans",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.evidence.filesystems[0].thaw_errno = EINVAL;
         b.evidence.devices[2].before_thaw.sectors_written = 4104;
     },
     Consistency::none, "lie across several disks"},
    {"early_thaw_with_stack_but_counters_still",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.evidence.filesystems[0].thaw_errno = EINVAL;
     },
     Consistency::crash, "'/data' (xfs) was let go early"},
    {"counters_are_no_proof_after_the_deadline",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.evidence.overran = true;
     },
     Consistency::none, "lie across several disks"},
    {"swap_moves_are_no_proof_of_one_moment",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.plan.swap_file_devices = {"sda1"};
         b.evidence.devices[0].before_thaw.sectors_written = 4104;
         b.evidence.filesystems[0].outcome = FreezeOutcome::foreign;
     },
     Consistency::none, "lie across several disks"},
    {"coverage_is_no_proof_of_one_moment",
     [](Backup& b) {
         b.plan.stack_spans_disks = true;
         b.plan.covered_devices = {"sda1", "sdb"};
         b.evidence.devices[2].readable = false;
         b.evidence.filesystems[0].thaw_errno = EINVAL;
     },
     Consistency::none, "lie across several disks"},
    {"hooks_failed",
     [](Backup& b) {
         b.applications = {
             .any_required = true, .all_verified = false, .why_not = "'mysql' said no"};
     },
     Consistency::file_system, "not every application was quiesced: 'mysql' said no"},
    {"no_hooks", [](Backup& b) { b.applications = {}; }, Consistency::file_system,
     "no application was set up to be quiesced"},
};

std::string name_of_row(const ::testing::TestParamInfo<Row>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Hold, BrokenCondition, ::testing::ValuesIn(kHoldRows), name_of_row);
INSTANTIATE_TEST_SUITE_P(Devices, BrokenCondition, ::testing::ValuesIn(kDeviceRows), name_of_row);
INSTANTIATE_TEST_SUITE_P(Snapshots, BrokenCondition, ::testing::ValuesIn(kSnapshotRows),
                         name_of_row);

TEST(Claim, IsApplicationWhenNothingIsMissing) {
    const Claim result = good_backup().claimed();

    EXPECT_EQ(result.level, Consistency::application);
    EXPECT_THAT(result.reasons, ElementsAre());
}

TEST(Claim, IsFileSystemForAStackOverTwoDisksThatWasHeld) {
    Backup backup = good_backup();
    backup.plan.stack_spans_disks = true;
    backup.plan.swap_file_devices = {"sda1"};
    backup.evidence.devices[0].before_thaw.sectors_written = 999999;
    backup.applications = {};

    EXPECT_EQ(backup.claimed().level, Consistency::file_system);
}

TEST(Claim, IsNotLoweredByWritesToASwapFile) {
    Backup backup = good_backup();
    backup.plan.swap_file_devices = {"sda1"};
    backup.evidence.devices[0].before_thaw = {
        .sectors_written = 8192, .sectors_discarded = 8, .writes_in_flight = 3};

    EXPECT_EQ(backup.claimed().level, Consistency::application);
}

TEST(Claim, IsNotLoweredByAMissingCounterWhereOnlyHeldFilesystemsWrite) {
    Backup backup = good_backup();
    backup.plan.covered_devices = {"sda1", "sdb"};
    backup.plan.swap_file_devices = {"sda1"};
    backup.evidence.devices[0].readable = false;
    backup.evidence.devices.pop_back();

    EXPECT_EQ(backup.claimed().level, Consistency::application);
}

TEST(Claim, IsNotLoweredByWhatIsNotOnTheDisks) {
    Backup backup = good_backup();
    backup.plan.left_out = {{.device = {0, 50},
                             .mount_point = "/nfs",
                             .type = "nfs4",
                             .why = "it is a network filesystem",
                             .lowers_claim = false}};

    EXPECT_EQ(backup.claimed().level, Consistency::application);
}

TEST(Claim, NeedsOnlyTheCountersWhenNothingIsMountedWritable) {
    Backup backup = good_backup();
    backup.plan.hold.filesystems.clear();
    backup.plan.hold.watched.clear();
    backup.evidence.filesystems.clear();
    backup.evidence.watched.clear();

    EXPECT_EQ(backup.claimed().level, Consistency::application);
    backup.evidence.devices[2].before_thaw.sectors_written = 4104;
    EXPECT_EQ(backup.claimed().level, Consistency::crash);
}

TEST(Claim, CountsAFilesystemThatIsStillStuckInItsThawAsHeld) {
    Backup backup = good_backup();
    backup.evidence.filesystems[0].thawed.reset();
    backup.evidence.stuck = {"/data"};

    EXPECT_EQ(backup.claimed().level, Consistency::application);
}

TEST(Claim, NamesEveryReasonAndNotOnlyTheFirst) {
    Backup backup = good_backup();
    backup.evidence.filesystems[0].outcome = FreezeOutcome::foreign;
    backup.evidence.devices[2].readable = false;
    backup.applications = {.any_required = true, .all_verified = false, .why_not = ""};

    EXPECT_THAT(backup.claimed().reasons, ElementsAre(HasSubstr("'/data'"), HasSubstr("'sdb'"),
                                                      "not every application was quiesced"));
}

TEST(Claim, NamesItsLevels) {
    EXPECT_EQ(name_of(Consistency::none), "none");
    EXPECT_EQ(name_of(Consistency::crash), "crash");
    EXPECT_EQ(name_of(Consistency::file_system), "file-system");
    EXPECT_EQ(name_of(Consistency::application), "application");
}

}  // namespace
}  // namespace stillpoint
