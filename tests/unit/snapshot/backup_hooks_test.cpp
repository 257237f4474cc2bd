// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "snapshot/time_limit.h"
#include "tests/fakes/fake_hooks.h"
#include "tests/unit/snapshot/backup_fixture.h"

namespace stillpoint::testing {
namespace {

const Journal kResumed = {"resume"};
const Journal kQuiesced = {"quiesce"};

struct RunBackupWithHooks : RunBackup {
    FakeHooks hooks{still_point, journal};
    Error failed = fail(Code::pre_script_failed, "the pre script failed");

    RunBackupWithHooks() {
        request.method = SnapshotMethod::only_host;
        this->RunBackup::hooks = &hooks;
    }
};

TEST_F(RunBackupWithHooks, AsksTheHostAgainAfterTheHooksAndResumesAfterTheThaw) {
    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kQuiesced + kAsked + kByHost + kResumed);
    EXPECT_EQ(report.claim.level, Consistency::application);
    EXPECT_TRUE(report.hooks_ran);
    EXPECT_EQ(report.application_name, "oracle");
    EXPECT_FALSE(report.hook_error || report.error || report.resume_error);
}

TEST_F(RunBackupWithHooks, ClaimsNoMoreThanTheFilesystemsWereHeld) {
    allow_fallback();
    still_point.refuses = {{"/data", EIO}};

    const BackupReport report = run();

    EXPECT_EQ(report.claim.level, Consistency::crash);
    EXPECT_EQ(journal.back(), "resume");
}

TEST_F(RunBackupWithHooks, ResumesOnceAfterBothWays) {
    request.method = SnapshotMethod::first_guest_then_host;
    fail_every_blob();

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kQuiesced + kAsked + kByGuest + kAsked + kByHost + kResumed);
    EXPECT_EQ(report.claim.level, Consistency::application);
}

TEST_F(RunBackupWithHooks, TakesNoSnapshotWhenAFailureMayNotContinue) {
    hooks.outcome.error = failed;
    hooks.outcome.may_continue = false;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kQuiesced + kResumed);
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->code(), Code::pre_script_failed);
    EXPECT_FALSE(report.snapshots_tried);
}

TEST_F(RunBackupWithHooks, GoesOnWithLessWhenAFailureMayContinue) {
    hooks.outcome.error = failed;

    const BackupReport report = run();

    EXPECT_EQ(journal, kAsked + kQuiesced + kAsked + kByHost + kResumed);
    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.claim.reasons.at(0),
              "not every application was quiesced: the pre script failed");
    EXPECT_EQ(report.hook_error->code(), Code::pre_script_failed);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackupWithHooks, SaysWhyHooksWereLeftOut) {
    hooks.outcome = {.error = {}, .why_left_out = "the configuration is broken"};

    const BackupReport report = run();

    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.claim.reasons.at(0),
              "not every application was quiesced: the configuration is broken");
    EXPECT_FALSE(report.hook_error || report.hooks_ran);
}

TEST_F(RunBackupWithHooks, DoesNotHoldWhatIsNotWanted) {
    hooks.outcome.hold = false;

    const BackupReport report = run();

    EXPECT_EQ(journal,
              kAsked + kQuiesced + kAsked + kHostReady + Journal{"send dosnapshot"} + kResumed);
    EXPECT_EQ(report.claim.level, Consistency::crash);
    EXPECT_EQ(report.evidence.not_held->code(), Code::freeze_disabled);
    EXPECT_TRUE(report.snapshots.all_successful());
}

TEST_F(RunBackupWithHooks, ResumesWhenTheMachineCannotBeRead) {
    plan = fail(Code::inventory_unreadable, "cannot read the mounts");

    const BackupReport report = run();

    const Journal prepared = {"prepare dosnapshot", "passport"};
    EXPECT_EQ(journal, kAsked + kQuiesced + kAsked + prepared + kResumed);
    EXPECT_EQ(report.error->code(), Code::inventory_unreadable);
    EXPECT_EQ(report.snapshots.by, SnapshotOutcome::By::nobody);
}

TEST_F(RunBackupWithHooks, ClaimsNothingForUnheldDisksWithOneFilesystemAcrossThem) {
    hooks.outcome.hold = false;
    plan->stack_spans_disks = true;

    EXPECT_EQ(run().claim.level, Consistency::none);
}

TEST_F(RunBackupWithHooks, AFailedResumeThatMayNotBeEndsTheSuccess) {
    hooks.outcome.may_continue = false;
    hooks.resume_error = fail(Code::post_script_failed, "the post script failed");

    const BackupReport report = run();

    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.resume_error->code(), Code::post_script_failed);
    EXPECT_FALSE(report.error);
}

TEST_F(RunBackupWithHooks, ADoubtOnlyLowersTheClaim) {
    hooks.outcome.may_continue = false;
    hooks.doubts = fail(Code::script_keeper_lost, "the keeper died");

    const BackupReport report = run();

    EXPECT_EQ(report.claim.level, Consistency::file_system);
    EXPECT_EQ(report.hook_error->code(), Code::script_keeper_lost);
    EXPECT_FALSE(report.resume_error);
}

TEST_F(RunBackupWithHooks, TheFirstFailureIsTheOneThatCounts) {
    hooks.outcome.error = failed;
    hooks.resume_error = fail(Code::post_script_failed, "the post script failed");

    const BackupReport report = run();

    EXPECT_EQ(report.hook_error->code(), Code::pre_script_failed);
    EXPECT_FALSE(report.resume_error) << "the settings let it pass";
}

TEST_F(RunBackupWithHooks, QuiescesNothingWhenItIsTooLate) {
    request.command_start_ticks_number = 1;

    const BackupReport report = run();

    EXPECT_EQ(report.error->code(), Code::command_too_late);
    EXPECT_EQ(journal, kAsked);
}

TEST_F(RunBackupWithHooks, ResumesWhenItGotTooLateMeanwhile) {
    request.command_start_ticks_number = ticks_of(clock.wall_now());
    hooks.quiescing = [this] { clock.advance(kCommandLimit + std::chrono::minutes(1)); };

    const BackupReport report = run();

    EXPECT_EQ(report.error->code(), Code::command_too_late);
    EXPECT_EQ(journal, kAsked + kQuiesced + kAsked + kResumed);
}

}  // namespace
}  // namespace stillpoint::testing
