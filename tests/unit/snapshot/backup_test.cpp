// SPDX-License-Identifier: Apache-2.0
#include "snapshot/backup.h"

#include <cerrno>

#include "tests/unit/snapshot/backup_fixture.h"

namespace stillpoint::testing {
namespace {

TEST_F(RunBackup, OnlyHostAsksPreparesHoldsAndSendsOnce) {
    request.method = SnapshotMethod::only_host;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::host);
    EXPECT_EQ(report.snapshots.disks.size(), 2u);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, TellsOnceWhatTheHostAnsweredBeforeAnythingIsHeld) {
    request.method = SnapshotMethod::first_guest_then_host;
    fail_every_blob();
    host_asked = [this](const BackupReport& so_far) {
        EXPECT_EQ(so_far.host_status_before, 200);
        journal.push_back("told");
    };

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + Journal{"told"} + kByGuest + kAsked + kByHost);
    EXPECT_TRUE(report.first_try);
}

TEST_F(RunBackup, OnlyHostGoesOnWhenPresnapshotFails) {
    request.method = SnapshotMethod::only_host;
    host_is = fail(Code::http_failed, "no answer");

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_EQ(report.host_status_before, kNoReply);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
}

TEST_F(RunBackup, OnlyGuestSnapshotsEveryBlobWhileHeld) {
    request.method = SnapshotMethod::only_guest;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::guest);
    EXPECT_TRUE(report.snapshots.all_successful());
}

TEST_F(RunBackup, OnlyGuestHasNoSecondWay) {
    request.method = SnapshotMethod::only_guest;
    fail_every_blob();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.claim.level, Consistency::none);
    EXPECT_FALSE(report.first_try);
}

TEST_F(RunBackup, FirstHostThenGuestTakesTheHostThatAnswers) {
    request.method = SnapshotMethod::first_host_then_guest;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_NE(http.sent.at(0).body.find("preSnapshotSettings"), std::string::npos);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
}

TEST_F(RunBackup, FirstHostThenGuestLeavesItAtTheHostThatTookNothing) {
    request.method = SnapshotMethod::first_host_then_guest;
    host_took = fail(Code::http_failed, "no reply in time");

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_EQ(report.snapshots.host_status, kNoReply);
    EXPECT_EQ(report.claim.level, Consistency::none);
}

struct AbsentHost {
    const char* name;
    Result<HttpReply> reply;
    int status;
};

struct RunBackupWithoutHost : RunBackup, ::testing::WithParamInterface<AbsentHost> {};

TEST_P(RunBackupWithoutHost, FirstHostThenGuestTakesTheBlobs) {
    request.method = SnapshotMethod::first_host_then_guest;
    host_is = GetParam().reply;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.host_status_before, GetParam().status);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, RunBackupWithoutHost,
    ::testing::Values(AbsentHost{"NoReply", fail(Code::http_failed, "no answer"), kNoReply},
                      AbsentHost{"EmptyReply", http_reply(200), kEmptyReply},
                      AbsentHost{"NotFound", http_reply(404, "no"), 404},
                      AbsentHost{"ServerError", http_reply(500, "no"), 500}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(RunBackup, FirstGuestThenHostIsContentWithTheBlobs) {
    request.method = SnapshotMethod::first_guest_then_host;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_FALSE(report.first_try);
}

TEST_F(RunBackup, FirstGuestThenHostHoldsAnewForTheHost) {
    request.method = SnapshotMethod::first_guest_then_host;
    fail_every_blob();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest + kAsked + kByHost);
    ASSERT_TRUE(report.first_try);
    EXPECT_EQ(report.first_try->by, SnapshotOutcome::By::guest);
    EXPECT_EQ(report.first_try->disks.at(0).status_code, 403);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::host);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
}

TEST_F(RunBackup, FirstGuestThenHostKeepsWhatTheBlobsGave) {
    request.method = SnapshotMethod::first_guest_then_host;
    blob_says.emplace("data.vhd", http_reply(403, "no"));

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.claim.level, Consistency::none);
    EXPECT_TRUE(report.snapshots.disks.at(0).successful);
}

TEST_F(RunBackup, FirstGuestThenHostHoldsOnceWhenThereAreNoBlobs) {
    request.method = SnapshotMethod::first_guest_then_host;
    request.blobs.clear();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kAsked + kByHost);
    ASSERT_TRUE(report.first_try && report.first_try->error);
    EXPECT_EQ(report.first_try->error->code(), Code::blobs_missing);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, FirstGuestThenHostHoldsOnceWhenABlobIsUnreachable) {
    request.method = SnapshotMethod::first_guest_then_host;
    held_http.cannot_prepare.emplace("/vhds/data.vhd", fail(Code::http_failed, "refused"));

    const BackupReport report = run();

    EXPECT_EQ(journal, (kAsked + Journal{"prepare os.vhd", "prepare data.vhd"} + kAsked + kByHost));
    ASSERT_TRUE(report.first_try && report.first_try->error);
    EXPECT_EQ(report.first_try->error->code(), Code::blob_unreachable);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
}

TEST_F(RunBackup, FirstGuestThenHostDoesNotTryAFailedHoldAgain) {
    request.method = SnapshotMethod::first_guest_then_host;
    still_point.cannot_hold = fail(Code::guard_unavailable, "no guard");

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kBlobsReady);
    ASSERT_TRUE(report.evidence.not_held);
    EXPECT_EQ(report.evidence.not_held->code(), Code::guard_unavailable);
}

TEST_F(RunBackup, FirstGuestThenHostDoesNotHoldWhatIsStillStuck) {
    request.method = SnapshotMethod::first_guest_then_host;
    fail_every_blob();
    still_point.sticks = {"/data"};

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByGuest);
    EXPECT_EQ(report.evidence.stuck, std::vector<std::string>{"/data"});
}

TEST_F(RunBackup, AsksForTheEncryptionOnlyUntilItIsKnown) {
    request.method = SnapshotMethod::first_guest_then_host;
    request.disk_encryption = true;
    host_is = http_reply(200, R"({"DiskEncryptionSettings":{"version":"1.1"}})");
    fail_every_blob();

    (void)run();

    ASSERT_EQ(http.sent.size(), 4u);
    EXPECT_NE(http.sent[0].body.find("preSnapshotSettings"), std::string::npos);
    EXPECT_EQ(http.sent[3].body.find("preSnapshotSettings"), std::string::npos);
    EXPECT_NE(held_http.sent.back().find(R"("DiskEncryptionSettings")"), std::string::npos);
    EXPECT_EQ(told.host.value_or(HostEncryption()).settings, R"({"version": "1.1"})")
        << "what is written before the hold knows it";
}

TEST_F(RunBackup, ReadsTheEncryptionOfTheBlobsBeforeTheHold) {
    request.method = SnapshotMethod::only_guest;
    request.disk_encryption = true;

    (void)run();

    EXPECT_EQ(journal, (kAsked + Journal{"os.vhd", "data.vhd"} + kByGuest));
    EXPECT_NE(held_http.sent.at(1).find("DiskEncryptionSettings: of GET /vhds/data.vhd\r\n"),
              std::string::npos);
    EXPECT_EQ(told.blobs,
              (std::vector<std::string>{"of GET /vhds/os.vhd", "of GET /vhds/data.vhd"}));
}

TEST_F(RunBackup, LeavesTimeForTheLastLookAfterASlowPassport) {
    request.method = SnapshotMethod::only_host;
    passport_takes = std::chrono::seconds(31);

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kByHost);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackup, SaysWhatTheOutsideNeedsToKnow) {
    request.method = SnapshotMethod::only_guest;
    request.command_start_ticks = "639";
    const Instant began = clock.now();

    const BackupReport report = run();

    EXPECT_EQ(report.request, echo_of(request));
    EXPECT_EQ(report.method, SnapshotMethod::only_guest);
    EXPECT_EQ(report.host_status_before, 200);
    EXPECT_TRUE(report.snapshots_tried);
    EXPECT_FALSE(report.fallback_allowed);
    EXPECT_EQ(report.begun, began);
    EXPECT_EQ(report.ended, began + held_http.reply_takes);
    EXPECT_EQ(held_for(report.evidence), held_http.reply_takes);
    EXPECT_EQ(report.claim.reasons,
              std::vector<std::string>{"no application was set up to be quiesced"});
}

TEST_F(RunBackup, LogsNoSecret) {
    request.method = SnapshotMethod::first_guest_then_host;
    host_is = fail(Code::http_failed, "no answer");
    fail_every_blob();

    (void)run();

    EXPECT_NE(logged.find("presnapshot failed"), std::string::npos);
    EXPECT_EQ(logged.find("TASKTOKEN"), std::string::npos);
    EXPECT_EQ(logged.find("SECRETSIGNATURE"), std::string::npos);
}

}  // namespace
}  // namespace stillpoint::testing
