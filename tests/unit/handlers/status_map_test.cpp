// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_map.h"

#include <cerrno>
#include <functional>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/format.h"
#include "manifest/catalogue.h"
#include "tests/unit/handlers/golden.h"

namespace stillpoint {
namespace {

using By = SnapshotOutcome::By;

/// A run in which everything went well, with `disks` disks.
BackupReport good_run(By by, std::size_t disks = 2) {
    BackupReport report;
    report.method = by == By::host ? SnapshotMethod::only_host : SnapshotMethod::only_guest;
    report.snapshots_tried = true;
    report.snapshots.by = by;
    report.snapshots.disks.resize(disks);
    for (DiskOutcome& disk : report.snapshots.disks) {
        disk.successful = true;
    }
    report.claim.level = Consistency::file_system;
    FilesystemEvidence held;
    held.filesystem.mount_point = "/data";
    held.outcome = FreezeOutcome::held;
    report.evidence.filesystems.push_back(held);
    return report;
}

void fail_disk(BackupReport& report, std::size_t disk, Code code) {
    report.snapshots.disks[disk].successful = false;
    report.snapshots.disks[disk].error = fail(code, "no");
    report.claim.level = Consistency::none;
}

struct Row {
    const char* name;
    std::function<BackupReport()> run;
};

BackupReport changed(BackupReport report, const std::function<void(BackupReport&)>& change) {
    change(report);
    return report;
}

BackupReport lowered(FreezeOutcome outcome, bool fallback, Consistency level) {
    return changed(good_run(By::host, 1), [&](BackupReport& r) {
        r.evidence.filesystems[0].outcome = outcome;
        r.evidence.filesystems[0].freeze_errno = EIO;
        r.fallback_allowed = fallback;
        r.claim = {level, {"'/data' was not held"}};
    });
}

BackupReport stopped(Code code) {
    return changed(BackupReport(), [&](BackupReport& r) { r.error = fail(code, "because"); });
}

/// Ended before the hold: no connection to the disks with a code, the others not tried.
BackupReport out_of_reach(const std::vector<std::optional<Code>>& disks) {
    return changed(stopped(Code::blob_unreachable), [&](BackupReport& r) {
        r.snapshots.by = By::guest;
        for (const std::optional<Code> code : disks) {
            r.snapshots.disks.push_back(untried_disk());
            if (code) {
                r.snapshots.disks.back().error = fail(*code, "no");
            }
        }
    });
}

BackupReport hook_failed(Code code) {
    return changed(good_run(By::host),
                   [&](BackupReport& r) { r.hook_error = fail(code, "because"); });
}

BackupReport not_resumed(Code code) {
    return changed(hook_failed(code),
                   [&](BackupReport& r) { r.resume_error = fail(code, "because"); });
}

BackupReport not_held(Code code) {
    return changed(BackupReport(), [&](BackupReport& r) {
        r.snapshots_tried = true;
        r.evidence.not_held = fail(code, "because");
    });
}

const Row kRows[] = {
    {"held, host", [] { return good_run(By::host); }},
    {"held, guest", [] { return good_run(By::guest); }},
    {"applications quiesced",
     [] {
         return changed(good_run(By::host),
                        [](BackupReport& r) { r.claim.level = Consistency::application; });
     }},
    {"a hook failed, run went on",
     [] {
         return changed(good_run(By::host), [](BackupReport& r) {
             r.hook_error = fail(Code::action_failed, "pre-script failed");
         });
     }},
    {"a database is not supported, host took all",
     [] {
         return changed(good_run(By::host), [](BackupReport& r) {
             r.hook_error = fail(Code::workload_not_supported, "no database yet");
         });
     }},
    {"a database is not supported, a disk failed",
     [] {
         return changed(good_run(By::host), [](BackupReport& r) {
             r.hook_error = fail(Code::workload_not_supported, "no database yet");
             fail_disk(r, 0, Code::host_refused);
         });
     }},
    {"scripts failed, run went on", [] { return hook_failed(Code::pre_script_failed); }},
    {"script permissions, run went on", [] { return hook_failed(Code::pre_script_permissions); }},
    {"script configuration's owner, run went on",
     [] { return hook_failed(Code::script_config_owner); }},
    {"keeper of the scripts lost, run went on",
     [] { return hook_failed(Code::script_keeper_lost); }},
    {"pre script failed and must not", [] { return stopped(Code::pre_script_failed); }},
    {"pre script timed out and must not", [] { return stopped(Code::pre_script_timed_out); }},
    {"pre scripts timed out and must not", [] { return stopped(Code::pre_scripts_timed_out); }},
    {"script changed and must not", [] { return stopped(Code::script_changed); }},
    {"pre script missing and must not be", [] { return stopped(Code::pre_script_missing); }},
    {"post script missing and must not be", [] { return stopped(Code::post_script_missing); }},
    {"pre script's mode, and must not", [] { return stopped(Code::pre_script_permissions); }},
    {"post script's mode, and must not", [] { return stopped(Code::post_script_permissions); }},
    {"post script failed and must not", [] { return not_resumed(Code::post_script_failed); }},
    {"post script changed and must not", [] { return not_resumed(Code::script_changed); }},
    {"post script timed out and must not", [] { return not_resumed(Code::post_script_timed_out); }},
    {"post scripts timed out and must not",
     [] { return not_resumed(Code::post_scripts_timed_out); }},
    {"post script failed and must not, a disk too",
     [] {
         return changed(not_resumed(Code::post_script_failed),
                        [](BackupReport& r) { fail_disk(r, 1, Code::host_refused); });
     }},
    {"no freeze wanted",
     [] {
         return changed(lowered(FreezeOutcome::not_tried, false, Consistency::crash),
                        [](BackupReport& r) {
                            r.evidence.not_held = fail(Code::freeze_disabled, "not wanted");
                        });
     }},
    {"protected settings shut, host took all",
     [] {
         return changed(good_run(By::host), [](BackupReport& r) {
             r.settings_error = fail(Code::settings_undecryptable, "no key");
         });
     }},
    {"protected settings shut, guest has no blobs",
     [] {
         return changed(stopped(Code::blobs_missing), [](BackupReport& r) {
             r.settings_error = fail(Code::settings_undecryptable, "no key");
         });
     }},
    {"a counter moved, crash level",
     [] { return lowered(FreezeOutcome::held, false, Consistency::crash); }},
    {"a counter moved, no level",
     [] { return lowered(FreezeOutcome::held, false, Consistency::none); }},
    {"refused, no fallback",
     [] { return lowered(FreezeOutcome::refused, false, Consistency::crash); }},
    {"refused, fallback", [] { return lowered(FreezeOutcome::refused, true, Consistency::crash); }},
    {"foreign, fallback", [] { return lowered(FreezeOutcome::foreign, true, Consistency::crash); }},
    {"too slow, fallback",
     [] { return lowered(FreezeOutcome::too_slow, true, Consistency::crash); }},
    {"not openable, fallback",
     [] { return lowered(FreezeOutcome::not_openable, true, Consistency::crash); }},
    {"refused, fallback, no level",
     [] { return lowered(FreezeOutcome::refused, true, Consistency::none); }},
    {"outside the guard rail",
     [] { return lowered(FreezeOutcome::not_allowed, false, Consistency::crash); }},
    {"not held: refused", [] { return not_held(Code::freeze_failed); }},
    {"not held: too slow", [] { return not_held(Code::freeze_timed_out); }},
    {"not held: not openable", [] { return not_held(Code::mount_not_openable); }},
    {"not held: no guard", [] { return not_held(Code::guard_unavailable); }},
    {"overran, no fallback",
     [] {
         return changed(lowered(FreezeOutcome::held, false, Consistency::crash),
                        [](BackupReport& r) { r.evidence.overran = true; });
     }},
    {"overran, fallback",
     [] {
         return changed(lowered(FreezeOutcome::held, true, Consistency::crash),
                        [](BackupReport& r) { r.evidence.overran = true; });
     }},
    {"let go early by somebody",
     [] {
         return changed(lowered(FreezeOutcome::held, false, Consistency::crash),
                        [](BackupReport& r) { r.evidence.filesystems[0].thaw_errno = EINVAL; });
     }},
    {"let go early by the guard",
     [] {
         return changed(lowered(FreezeOutcome::held, false, Consistency::crash),
                        [](BackupReport& r) {
                            r.evidence.filesystems[0].frozen = Instant(1);
                            r.evidence.filesystems[0].thaw_begun = Instant(2);
                            r.evidence.filesystems[0].thawed = Instant(3);
                            r.evidence.action_ended = Instant(4);
                        });
     }},
    {"guard lost",
     [] {
         return changed(lowered(FreezeOutcome::held, false, Consistency::none),
                        [](BackupReport& r) { r.evidence.guard_lost = true; });
     }},
    {"could not be let go",
     [] {
         return changed(good_run(By::host), [](BackupReport& r) {
             r.evidence.stuck = {"/data", "/"};
         });
     }},
    {"stuck in its freeze, no fallback",
     [] {
         return changed(lowered(FreezeOutcome::too_slow, false, Consistency::crash),
                        [](BackupReport& r) { r.evidence.stuck = {"/data"}; });
     }},
    {"stuck in its freeze, fallback",
     [] {
         return changed(lowered(FreezeOutcome::too_slow, true, Consistency::crash),
                        [](BackupReport& r) { r.evidence.stuck = {"/data"}; });
     }},
    {"host: one disk failed",
     [] {
         return changed(good_run(By::host),
                        [](BackupReport& r) { fail_disk(r, 1, Code::host_refused); });
     }},
    {"host: all disks failed",
     [] {
         return changed(good_run(By::host, 1),
                        [](BackupReport& r) { fail_disk(r, 0, Code::host_refused); });
     }},
    {"host: server error",
     [] {
         return changed(good_run(By::host, 0), [](BackupReport& r) {
             r.snapshots.error = fail(Code::host_server_error, "no");
         });
     }},
    {"host: no reply",
     [] {
         return changed(good_run(By::host, 0), [](BackupReport& r) {
             r.snapshots.error = fail(Code::host_unreachable, "no");
         });
     }},
    {"host: an empty list", [] { return good_run(By::host, 0); }},
    {"host: told of one of two disks",
     [] {
         return changed(good_run(By::host, 1), [](BackupReport& r) {
             r.snapshots.disks_unmentioned = 1;
             r.claim = {Consistency::none, {"the host told of 1 of 2 disks"}};
         });
     }},
    {"guest: one blob refused",
     [] {
         return changed(good_run(By::guest),
                        [](BackupReport& r) { fail_disk(r, 1, Code::blob_refused); });
     }},
    {"guest: all blobs refused",
     [] {
         return changed(good_run(By::guest, 1),
                        [](BackupReport& r) { fail_disk(r, 0, Code::blob_refused); });
     }},
    {"guest: limit on one, no reply on the other",
     [] {
         return changed(good_run(By::guest), [](BackupReport& r) {
             fail_disk(r, 0, Code::blob_unreachable);
             fail_disk(r, 1, Code::snapshot_limit_reached);
         });
     }},
    {"guest: too often",
     [] {
         return changed(good_run(By::guest),
                        [](BackupReport& r) { fail_disk(r, 0, Code::snapshot_rate_exceeded); });
     }},
    {"guest: no blobs", [] { return stopped(Code::blobs_missing); }},
    {"guest: one blob out of reach",
     [] {
         return out_of_reach({Code::blob_unreachable, std::nullopt});
     }},
    {"guest: every blob out of reach",
     [] {
         return out_of_reach({Code::blob_unreachable, Code::blob_unreachable});
     }},
    {"command unknown", [] { return stopped(Code::command_unknown); }},
    {"settings malformed", [] { return stopped(Code::settings_malformed); }},
    {"settings missing", [] { return stopped(Code::settings_missing); }},
    {"too late", [] { return stopped(Code::command_too_late); }},
    {"lun list invalid", [] { return stopped(Code::lun_list_invalid); }},
    {"interrupted", [] { return stopped(Code::run_interrupted); }},
    {"a defect", [] { return stopped(Code::internal); }},
};

std::string verdict_table() {
    std::string table = fmt::format("{:44}{:>5} {:8}{:>7}{:>7} {} message\n", "what happened",
                                    "code", "status", "health", "state", "consistency");
    for (const Row& row : kRows) {
        const Verdict verdict = verdict_of(row.run());
        table += fmt::format("{:44}{:>5} {:8}{:>7}{:>7} {:>11} '{}'\n", row.name, verdict.code,
                             verdict.status, verdict.health_code, verdict.health_state,
                             verdict.consistency, verdict.message);
    }
    return table;
}

TEST(VerdictOf, FollowsTheTable) {
    EXPECT_EQ(verdict_table(), testing::golden("verdicts.txt"));
}

TEST(Catalogue, PublishesTheNumbersThatNeverChange) {
    std::string table;
    for (const PublishedError& error : published_errors()) {
        table += fmt::format("{} {} {} {}\n", error.code, error.name, error.health, error.status);
    }
    EXPECT_EQ(table, testing::golden("published_codes.txt"));
}

DocumentOrigin origin() {
    return {"Handler", "1.0", "machine-1", WallTime(std::chrono::milliseconds(0))};
}

std::string message_of(const BackupReport& report) {
    return status_document(report, verdict_of(report), origin()).message;
}

TEST(StatusDocumentOf, NamesCreatorAnswersAndLevel) {
    BackupReport report = good_run(By::host);
    report.host_status_before = 200;
    report.snapshots.host_status = 200;
    EXPECT_EQ(message_of(report),
              "snapshotCreator=backupHostService, hostStatusCodePreSnapshot=200, "
              "hostStatusCodeDoSnapshot=200, consistency=fileSystemConsistent, ");
}

TEST(StatusDocumentOf, SaysWhyTheLevelIsNoHigher) {
    BackupReport report = lowered(FreezeOutcome::refused, true, Consistency::crash);
    report.status_upload_failed = true;
    EXPECT_EQ(message_of(report),
              " statusBlobUploadError=true, snapshotCreator=backupHostService, "
              "consistency=crashConsistent, reason='/data' was not held, ");
}

TEST(StatusDocumentOf, NamesWhatFailed) {
    BackupReport report = not_held(Code::freeze_failed);
    report.evidence.not_held = fail(Code::freeze_failed, "cannot freeze '/data'").with_errno(EIO);
    report.host_status_before = 200;
    EXPECT_EQ(message_of(report),
              "Enable failed with error: cannot freeze '/data': Input/output error "
              "StatusCode.FailedRetryableFsFreezeFailed, snapshotCreator=backupHostService, "
              "hostStatusCodePreSnapshot=200, ");
}

TEST(StatusDocumentOf, TellsHowTheFirstWayEnded) {
    BackupReport report = good_run(By::host);
    report.first_try = good_run(By::guest).snapshots;
    report.first_try->disks[1].successful = false;
    report.first_try->disks[1].error =
        fail(Code::blob_refused, "no snapshot of 'b'").with_http(403);

    EXPECT_NE(message_of(report).find("firstTry=guestExtension: no snapshot of 'b' (HTTP 403), "),
              std::string::npos)
        << message_of(report);
}

TEST(StatusDocumentOf, TellsWhyThereIsNoLesserPointInstead) {
    BackupReport report = not_held(Code::freeze_failed);
    report.why_no_fallback = "it is the first try of this backup";

    EXPECT_NE(message_of(report).find("no crash-consistent point instead: it is the first try"),
              std::string::npos)
        << message_of(report);
    report = stopped(Code::blobs_missing);
    report.why_no_fallback = "it is the first try of this backup";
    EXPECT_EQ(message_of(report).find("crash-consistent"), std::string::npos);
}

TEST(StatusDocumentOf, TellsOfScripts) {
    const auto facts = [](const BackupReport& report) {
        std::vector<TelemetryFact> found;
        for (const auto& fact : status_document(report, verdict_of(report), origin()).telemetry) {
            if (fact.key == "isPrePostEnabled" || fact.key == "appName") {
                found.push_back(fact);
            }
        }
        return found;
    };
    using Facts = std::vector<TelemetryFact>;
    const TelemetryFact enabled{"isPrePostEnabled", "true"};
    BackupReport ran = good_run(By::host);
    EXPECT_EQ(facts(ran), Facts{});
    ran.hooks_ran = true;
    ran.application_name = "oracle";
    EXPECT_EQ(facts(ran), (Facts{enabled, {"appName", "oracle"}}));
    EXPECT_EQ(facts(hook_failed(Code::pre_script_permissions)), Facts{enabled});
    EXPECT_EQ(facts(stopped(Code::post_script_missing)), Facts{enabled});
    EXPECT_EQ(facts(stopped(Code::command_too_late)), Facts{});
}

TEST(StatusDocumentOf, ListsDisksOnceTheyWereTried) {
    BackupReport report;
    EXPECT_FALSE(status_document(report, transition_verdict(), origin()).snapshots);
    EXPECT_FALSE(status_document(stopped(Code::command_too_late),
                                 verdict_of(stopped(Code::command_too_late)), origin())
                     .snapshots);
    report = not_held(Code::freeze_failed);
    EXPECT_EQ(status_document(report, verdict_of(report), origin()).snapshots->size(), 0U);
    report = good_run(By::guest);
    EXPECT_EQ(status_document(report, verdict_of(report), origin()).snapshots->size(), 2U);
}

TEST(StatusDocumentOf, TellsSizesBesideTheSum) {
    const auto facts_of = [](const StorageFacts& storage) {
        BackupReport report = good_run(By::host);
        report.storage = storage;
        std::string all;
        for (const TelemetryFact& fact :
             status_document(report, verdict_of(report), origin()).telemetry) {
            if (fact.key.ends_with("Size") || fact.key.starts_with("network")) {
                all += fact.key + "=" + fact.value + " ";
            }
        }
        return all;
    };
    EXPECT_EQ(facts_of({}), "");
    EXPECT_EQ(facts_of({.partitions = 2,
                        .used_bytes = 1 << 20,
                        .temporary_bytes = 4096,
                        .loop_bytes = 2048,
                        .network_mounted = true}),
              "networkFSTypePresentInMount=True tempDisksSize=4 loopDevicesSize=2 ");
}

TEST(StatusDocumentOf, TellsTimesFromTheEvidence) {
    using std::chrono::milliseconds;
    BackupReport report = good_run(By::host);
    FilesystemEvidence& held = report.evidence.filesystems[0];
    held.freeze_begun = milliseconds(1000);
    held.frozen = milliseconds(1002);
    held.thaw_begun = milliseconds(1060);
    held.thawed = milliseconds(1061);
    report.snapshots.first_sent = milliseconds(1003);
    report.snapshots.last_reply = milliseconds(1059);
    report.facts = {{"osVersion", "Debian-12"}};
    const auto telemetry = status_document(report, verdict_of(report), origin()).telemetry;

    EXPECT_EQ(telemetry, (std::vector<TelemetryFact>{{"osVersion", "Debian-12"},
                                                     {"consistencyType", "fileSystemConsistent"},
                                                     {"snapshotCreator", "backupHostService"},
                                                     {"FreezeTime", "0:00:00.002000"},
                                                     {"ThawTime", "0:00:00.001000"},
                                                     {"heldTime", "0:00:00.061000"},
                                                     {"snapshotTimeTaken", "0:00:00.056000"},
                                                     {"extErrorCode", "success"}}));
}

}  // namespace
}  // namespace stillpoint
