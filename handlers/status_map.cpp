// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_map.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <vector>

#include "base/format.h"
#include "base/format_join.h"
#include "manifest/catalogue.h"
#include "platform/script_system.h"

namespace stillpoint {
namespace {

constexpr int kYellow = 128;
constexpr int kSuccessApplication = 0;
constexpr int kSuccess = 1;
constexpr int kTransition = 4;
constexpr int kFreezeFailed = 121;
constexpr int kFirstOfScripts = 300;
constexpr int kLastOfScripts = 318;
constexpr int kRestrictedNetwork = 761;  // a health code only

const PublishedError& published_of(const Error& error) {
    return *find_published(entry_of(error.code()).published);
}

int number_of(Consistency level) {
    switch (level) {
        case Consistency::none:
            return 0;
        case Consistency::file_system:
            return 1;
        case Consistency::application:
            return 2;
        case Consistency::crash:
            return 3;
    }
    return 0;
}

/// The extension before us named the phase and the plugin, of which there is one.
std::string script_message(const Error& error, const PublishedError& published, ScriptPhase phase) {
    std::string_view begin;
    switch (error.code()) {
        case Code::pre_script_failed:
        case Code::pre_script_timed_out:
        case Code::pre_scripts_timed_out:
            begin = "PreScript failed for the plugin ScriptRunner";
            break;
        case Code::script_changed:
            begin = phase == ScriptPhase::pre ? "PreScript failed for the plugin ScriptRunner"
                                              : "PostScript failed for the plugin ScriptRunner";
            break;
        case Code::post_script_failed:
        case Code::post_script_timed_out:
        case Code::post_scripts_timed_out:
            begin = "PostScript failed for the plugin ScriptRunner";
            break;
        default:
            begin = "Plugin Host Precheck Failed";
            break;
    }
    return fmt::format("{} StatusCode.{}, {}, ", begin, published.name, error.sentence());
}

/// The sentences that the extension before us used stand first, ours behind.
std::string failure_message(const Error& error, const PublishedError& published,
                            ScriptPhase phase) {
    if (published.code >= kFirstOfScripts && published.code <= kLastOfScripts) {
        return script_message(error, published, phase);
    }
    switch (error.code()) {
        case Code::command_unknown:
            return error.message();
        case Code::command_too_late:
            return "CRP timeout limit has reached, will not take snapshot.";
        case Code::settings_malformed:
        case Code::settings_missing:
            return "required field empty or not correct: " + error.sentence() + ", ";
        default:
            return fmt::format("Enable failed with error: {} StatusCode.{}, ", error.sentence(),
                               published.name);
    }
}

/// `phase`: in which it was noticed, if it is about a script.
Verdict failure(const Error& error, ScriptPhase phase = ScriptPhase::pre) {
    const PublishedError& published = published_of(error);
    return {published.code,         "error", published.code,
            published.health_state, 0,       failure_message(error, published, phase)};
}

/// By our own guard, which was told to end. (At the deadline it is another reason.)
bool let_go_early(const FilesystemEvidence& one, const HoldEvidence& evidence) {
    return !evidence.overran && one.thaw_begun && evidence.action_ended &&
           *one.thaw_begun < *evidence.action_ended;
}

/// Why the guest was not held, or not for the whole time; no value when it was.
std::optional<Error> hold_error(const HoldEvidence& evidence) {
    if (evidence.not_held) {
        return evidence.not_held;
    }
    for (const FilesystemEvidence& one : evidence.filesystems) {
        const std::string& mount = one.filesystem.mount_point;
        switch (one.outcome) {
            case FreezeOutcome::refused:
                return fail(Code::freeze_failed, fmt::format("cannot freeze '{}'", mount))
                    .with_errno(one.freeze_errno);
            case FreezeOutcome::foreign:
                return fail(Code::freeze_failed,
                            fmt::format("'{}' was frozen already by somebody else", mount));
            case FreezeOutcome::too_slow:
                return fail(Code::freeze_timed_out, fmt::format("'{}' froze too slowly", mount));
            case FreezeOutcome::not_openable:
                return fail(Code::mount_not_openable, fmt::format("cannot open '{}'", mount))
                    .with_errno(one.freeze_errno);
            case FreezeOutcome::replaced:
                return fail(Code::mount_not_openable,
                            fmt::format("another filesystem is mounted on '{}' now", mount));
            case FreezeOutcome::held:
                if (one.owner_lost) {
                    return fail(Code::hold_broken,
                                fmt::format("the guard died while '{}' was held", mount));
                }
                if (!one.held_until_thaw()) {
                    return fail(Code::hold_broken,
                                fmt::format("'{}' did not stay frozen until the end", mount));
                }
                if (let_go_early(one, evidence)) {
                    return fail(
                        Code::hold_broken,
                        fmt::format("'{}' was let go before the snapshots were done", mount));
                }
                break;
            case FreezeOutcome::not_tried:
            case FreezeOutcome::not_allowed:
                break;
        }
    }
    if (evidence.overran) {
        return fail(Code::hold_broken, "the snapshots took longer than the guest may be held");
    }
    if (evidence.guard_lost) {
        return fail(Code::hold_broken, "the guard was lost while the guest was held");
    }
    return std::nullopt;
}

/// The lower, the more it says about what to do.
int rank_of(Code code) {
    constexpr std::array kFirst = {Code::snapshot_limit_reached, Code::snapshot_rate_exceeded,
                                   Code::host_server_error};
    const auto* found = std::ranges::find(kFirst, code);
    return static_cast<int>(found - kFirst.begin());
}

}  // namespace

std::optional<Error> disks_error(const SnapshotOutcome& snapshots) {
    std::optional<Error> cause = snapshots.error;
    const bool host = snapshots.by == SnapshotOutcome::By::host;
    for (const DiskOutcome& disk : snapshots.disks) {
        if (disk.successful) {
            continue;
        }
        const Error one = disk.error ? *disk.error
                                     : fail(host ? Code::host_refused : Code::blob_refused,
                                            "a disk was not snapshotted");
        if (!cause || rank_of(one.code()) < rank_of(cause->code())) {
            cause = one;
        }
    }
    if (!cause && snapshots.disks.empty()) {
        return fail(host ? Code::host_refused : Code::blobs_missing,
                    host ? "the host listed no disk" : "no disk was snapshotted");
    }
    return cause;
}

namespace {

/// A part of the disks is within reach: they were snapshotted, or nobody tried.
bool some_within_reach(const SnapshotOutcome& snapshots) {
    return std::ranges::any_of(
        snapshots.disks, [](const DiskOutcome& disk) { return disk.successful || !disk.error; });
}

Verdict disks_failed(const SnapshotOutcome& snapshots, const Error& cause) {
    Verdict verdict = failure(cause);
    if (snapshots.by == SnapshotOutcome::By::guest && some_within_reach(snapshots) &&
        (cause.code() == Code::blob_refused || cause.code() == Code::blob_unreachable)) {
        verdict.health_code = kRestrictedNetwork;
    }
    return verdict;
}

/// The hold failed, and that ends the run.
Verdict hold_failed(const BackupReport& report, const Error& error) {
    Verdict verdict = failure(error);
    if (!report.why_no_fallback.empty()) {
        verdict.message +=
            fmt::format("no crash-consistent point instead: {}, ", report.why_no_fallback);
    }
    return verdict;
}

/// The first failure that did not end the run becomes the health.
void set_health(Verdict& verdict, const std::optional<Error>& reason) {
    if (reason && verdict.health_state == 0) {
        verdict.health_code = published_of(*reason).code;
        verdict.health_state = std::max(kYellow, published_of(*reason).health_state);
    }
}

bool is_of_database(Code code) {
    return code == Code::workload_config_malformed || code == Code::workload_role_invalid ||
           code == Code::workload_authorization_missing || code == Code::workload_not_supported;
}

Verdict all_taken(const BackupReport& report) {
    const Consistency level = report.claim.level;
    const std::optional<Error> broken = hold_error(report.evidence);
    const bool not_wanted = broken && broken->code() == Code::freeze_disabled;
    if (level < Consistency::file_system && broken && !report.fallback_allowed && !not_wanted) {
        Verdict verdict = hold_failed(report, *broken);
        verdict.health_state = kYellow;
        return verdict;
    }
    if (report.resume_error) {
        return failure(*report.resume_error, ScriptPhase::post);
    }
    Verdict verdict;
    verdict.consistency = number_of(level);
    if (level == Consistency::application) {
        verdict.code = verdict.health_code = kSuccessApplication;
        verdict.message = "Enable Succeeded with App Consistent Snapshot";
    }
    set_health(verdict, report.settings_error);
    set_health(verdict, report.hook_error);
    if (report.hook_error && is_of_database(report.hook_error->code())) {
        verdict.message =
            fmt::format("Workload Patch failed with warning message: {} StatusCode.{}, ",
                        report.hook_error->sentence(), published_of(*report.hook_error).name);
    }
    if (level < Consistency::file_system) {
        set_health(verdict, broken);
        if (verdict.health_state == 0) {
            verdict.health_code = kFreezeFailed;
            verdict.health_state = kYellow;
        }
    }
    return verdict;
}

/// Blobs that are missing because the settings that name them stayed shut: that is the cause.
const Error& true_cause(const BackupReport& report, const Error& error) {
    return error.code() == Code::blobs_missing && report.settings_error ? *report.settings_error
                                                                        : error;
}

Verdict verdict_when_let_go(const BackupReport& report) {
    if (report.error) {
        return disks_failed(report.snapshots, true_cause(report, *report.error));
    }
    const bool nothing_sent = report.snapshots.by == SnapshotOutcome::By::nobody;
    if (report.evidence.not_held && nothing_sent) {
        return hold_failed(report, *report.evidence.not_held);
    }
    if (const auto cause = disks_error(report.snapshots)) {
        return disks_failed(report.snapshots, true_cause(report, *cause));
    }
    return all_taken(report);
}

/// What the kernel has not given back: those that were never frozen in time, or the others.
std::vector<std::string> stuck_ones(const HoldEvidence& evidence, bool never_frozen) {
    std::vector<std::string> found;
    std::ranges::copy_if(evidence.stuck, std::back_inserter(found), [&](const std::string& mount) {
        return never_frozen == std::ranges::any_of(evidence.filesystems, [&](const auto& one) {
                   return one.filesystem.mount_point == mount &&
                          one.outcome == FreezeOutcome::too_slow;
               });
    });
    return found;
}

}  // namespace

Verdict verdict_of(const BackupReport& report) {
    const std::vector<std::string> unreleased = stuck_ones(report.evidence, false);
    if (!unreleased.empty()) {
        Verdict verdict = failure(
            fail(Code::thaw_failed, fmt::format("'{}' could not be let go yet; the guard waits",
                                                fmt::join(unreleased, "', '"))));
        verdict.health_state = kYellow;
        return verdict;
    }
    Verdict verdict = verdict_when_let_go(report);
    if (const std::vector<std::string> freezing = stuck_ones(report.evidence, true);
        !freezing.empty()) {
        verdict.message +=
            fmt::format("the kernel is still freezing '{}'; the guard waits and lets go, ",
                        fmt::join(freezing, "', '"));
    }
    return verdict;
}

Verdict transition_verdict() {
    return {kTransition, "success", kSuccess, 0, 0, "Transitioning state in extension"};
}

Verdict install_verdict() {
    return {kSuccess, "success", kSuccess, 0, 0, "Install Succeeded"};
}

}  // namespace stillpoint
