// SPDX-License-Identifier: Apache-2.0
// What keeps a backup from holding, or from sending.
#include <cerrno>

#include "snapshot/time_limit.h"
#include "tests/unit/snapshot/backup_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""min;

TEST_F(RunBackup, SendsNothingWhenItIsTooLateByOurClock) {
    request.method = SnapshotMethod::only_host;
    request.command_start_ticks_number = ticks_of(clock.wall_now() - kCommandLimit - 1ms);
    host_asked = [](const BackupReport&) { ADD_FAILURE() << "the work does not go on"; };

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::command_too_late);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::nobody);
    EXPECT_FALSE(report.snapshots_tried);
    EXPECT_EQ(report.claim.level, Consistency::none);
}

TEST_F(RunBackup, IsInTimeUntilTheLimitItself) {
    request.method = SnapshotMethod::only_host;
    request.command_start_ticks_number = ticks_of(clock.wall_now() - kCommandLimit);

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, SendsNothingWhenItIsTooLateByTheHostsClock) {
    request.method = SnapshotMethod::only_guest;
    request.command_start_ticks_number = ticks_of(clock.wall_now());
    // Three hours ahead of ours.
    host_is = http_reply(200, R"({"responseTime":{"year":2026,"month":11,"day":23,"hour":0,
                                  "minute":17,"second":32}})");

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::command_too_late);
}

TEST_F(RunBackup, IsNeverTooLateByOurClockWhereTheHostsAnswerIsNotUnderstood) {
    for (const char* body : {"{broken", R"({"responseTime":{"year":2026}})"}) {
        journal.clear();
        request.method = SnapshotMethod::only_host;
        request.command_start_ticks_number = ticks_of(clock.wall_now() - kCommandLimit - 1ms);
        host_is = http_reply(200, body);

        const BackupReport report = run();

        EXPECT_EQ(journal, kAsked + kByHost) << body;
        EXPECT_FALSE(report.error) << body;
    }
}

TEST_F(RunBackup, BelievesTheHostsClockBeforeOurs) {
    request.method = SnapshotMethod::only_host;
    request.command_start_ticks_number = ticks_of(clock.wall_now());
    host_is = http_reply(200, R"({"responseTime":{"year":2026,"month":11,"day":22,"hour":21,
                                  "minute":17,"second":40}})");
    clock.set_wall(clock.wall_now() + 180min);

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, DoesNotHoldAnewWhenItHasBecomeTooLate) {
    request.method = SnapshotMethod::first_guest_then_host;
    request.command_start_ticks_number = ticks_of(clock.wall_now() - kCommandLimit);
    fail_every_blob();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest + kAsked);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::command_too_late);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::nobody);
    EXPECT_TRUE(report.first_try);
}

TEST_F(RunBackup, DoesNotHoldWithoutAConnectionToTheHost) {
    request.method = SnapshotMethod::only_host;
    held_http.cannot_prepare.emplace("/metadata/recsvc/snapshot/dosnapshot",
                                     fail(Code::http_failed, "refused"));

    const BackupReport report = run();

    EXPECT_EQ(journal, (Journal{"presnapshot", "prepare dosnapshot"}));
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::host_unreachable);
    EXPECT_TRUE(report.snapshots_tried) << "an empty list of disks says that it came to that";
    EXPECT_EQ(report.snapshots.host_status, kNoReply);
}

TEST_F(RunBackup, DoesNotHoldWithoutBlobs) {
    request.method = SnapshotMethod::only_guest;
    request.blobs.clear();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::blobs_missing);
    EXPECT_TRUE(report.snapshots_tried) << "an empty list of disks says that it came to that";
}

TEST_F(RunBackup, DoesNotHoldWhenTheConnectionWasLostAgain) {
    request.method = SnapshotMethod::only_host;
    held_http.cannot_refresh = fail(Code::http_failed, "refused");

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kHostReady);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::host_unreachable);
}

TEST_F(RunBackup, SendsNothingWhenTheHoldFailed) {
    request.method = SnapshotMethod::only_host;
    still_point.refuses = {{"/", EIO}};

    const BackupReport report = run();

    EXPECT_EQ(journal, (kAsked + kHostReady + Journal{"freeze /data", "thaw /data"}));
    ASSERT_TRUE(report.evidence.not_held);
    EXPECT_EQ(report.evidence.not_held->code(), Code::freeze_failed);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::nobody);
    EXPECT_EQ(report.claim.level, Consistency::none);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, HoldsTheRestAndClaimsCrashWhereThatIsAllowed) {
    request.method = SnapshotMethod::only_host;
    allow_fallback();
    still_point.refuses = {{"/", EIO}};

    const BackupReport report = run();

    EXPECT_EQ(journal,
              (kAsked + kHostReady + Journal{"freeze /data", "send dosnapshot", "thaw /data"}));
    EXPECT_TRUE(report.fallback_allowed);
    EXPECT_FALSE(report.evidence.not_held);
    EXPECT_EQ(report.claim.level, Consistency::crash);
}

TEST_F(RunBackup, SnapshotsWhatCouldNotBeHeldAndClaimsCrashWhereThatIsAllowed) {
    request.method = SnapshotMethod::only_host;
    allow_fallback();
    still_point.cannot_hold = fail(Code::guard_unavailable, "no guard");

    const BackupReport report = run();

    EXPECT_EQ(journal, (kAsked + kHostReady + Journal{"send dosnapshot"}));
    ASSERT_TRUE(report.evidence.not_held);
    EXPECT_TRUE(report.snapshots.all_successful());
    EXPECT_EQ(report.claim.level, Consistency::crash);
}

TEST_F(RunBackup, GoesTheSecondWayAfterAFallbackThatTookNothing) {
    request.method = SnapshotMethod::first_guest_then_host;
    allow_fallback();
    fail_every_blob();
    still_point.cannot_hold = fail(Code::guard_unavailable, "no guard");

    const BackupReport report = run();

    EXPECT_EQ(journal, (kAsked + kBlobsReady + kBlobsSent + kAsked + kHostReady +
                        Journal{"send dosnapshot"}));
    EXPECT_EQ(report.claim.level, Consistency::crash);
}

struct Fallback {
    const char* name;
    bool managed_vm;
    bool may_be_crash_consistent;
    int backup_retry_count;
    std::vector<std::string> disks;
    bool stack_spans_disks;
    const char* why_not;  // empty: allowed
};

struct MayFallBack : ::testing::TestWithParam<Fallback> {};

TEST_P(MayFallBack, FollowsTheRequestAndTheDisks) {
    const Fallback& row = GetParam();
    BackupRequest request;
    request.managed_vm = row.managed_vm;
    request.may_be_crash_consistent = row.may_be_crash_consistent;
    request.backup_retry_count = row.backup_retry_count;
    GuestPlan plan;
    plan.disks = row.disks;
    plan.stack_spans_disks = row.stack_spans_disks;

    const std::string why_not = why_no_fallback(request, plan);
    EXPECT_EQ(why_not.empty(), *row.why_not == '\0') << why_not;
    EXPECT_NE(why_not.find(row.why_not), std::string::npos) << why_not;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, MayFallBack,
    ::testing::Values(
        Fallback{"OneDisk", true, true, 1, {"sda"}, false, ""},
        Fallback{"LaterRetry", true, true, 5, {"sda"}, false, ""},
        Fallback{"FirstTry", true, true, 0, {"sda"}, false, "first try"},
        Fallback{"NotAllowed", true, false, 1, {"sda"}, false, "does not allow"},
        Fallback{"UnmanagedVm", false, true, 1, {"sda"}, false, "unmanaged"},
        Fallback{"DisksApart", true, true, 1, {"sda", "sdb"}, false, ""},
        Fallback{"StackAcrossDisks", true, true, 1, {"sda", "sdb"}, true, "across several"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace stillpoint::testing
