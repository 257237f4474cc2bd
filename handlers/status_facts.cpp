// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "base/format.h"
#include "base/format_join.h"
#include "handlers/status_map.h"
#include "manifest/catalogue.h"

namespace stillpoint {
namespace {

std::string_view wire_name(Consistency level) {
    switch (level) {
        case Consistency::none:
            return "none";
        case Consistency::crash:
            return "crashConsistent";
        case Consistency::file_system:
            return "fileSystemConsistent";
        case Consistency::application:
            return "applicationConsistent";
    }
    return "none";
}

/// Who took the snapshots; empty when it did not come to that. The host is named once it was
/// chosen, the guest only when it has begun, as the extension before us did.
std::string_view creator_of(const BackupReport& report) {
    SnapshotOutcome::By by = report.snapshots.by;
    if (by == SnapshotOutcome::By::nobody && report.evidence.not_held) {
        const int status = report.host_status_before.value_or(0);
        const bool host_answers = status == 200 || status == 201;
        const bool host = report.method == SnapshotMethod::only_host ||
                          (report.method == SnapshotMethod::first_host_then_guest && host_answers);
        by = host ? SnapshotOutcome::By::host : SnapshotOutcome::By::nobody;
    }
    switch (by) {
        case SnapshotOutcome::By::host:
            return "backupHostService";
        case SnapshotOutcome::By::guest:
            return report.snapshots.disks.empty() ? std::string_view() : "guestExtension";
        case SnapshotOutcome::By::nobody:
            break;
    }
    return {};
}

/// As Python prints a timedelta: "0:00:01.001091".
std::string duration_text(std::chrono::nanoseconds duration) {
    const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(duration);
    const std::chrono::hh_mm_ss parts(micro);
    std::string text = fmt::format("{}:{:02}:{:02}", parts.hours().count(), parts.minutes().count(),
                                   parts.seconds().count());
    if (parts.subseconds().count() != 0) {
        text += fmt::format(".{:06}", parts.subseconds().count());
    }
    return text;
}

bool taken(const BackupReport& report, const Verdict& verdict) {
    return verdict.status == "success" && report.snapshots.by != SnapshotOutcome::By::nobody;
}

/// How the way that was tried first ended.
std::string first_try_text(const SnapshotOutcome& first) {
    const std::optional<Error> error = first.error ? first.error : disks_error(first);
    return fmt::format("guestExtension: {}", error ? error->sentence() : "nothing was taken");
}

std::string message_text(const BackupReport& report, const Verdict& verdict) {
    std::string text = verdict.message;
    if (report.status_upload_failed) {
        text += " statusBlobUploadError=true, ";
    }
    if (report.first_try) {
        text += fmt::format("firstTry={}, ", first_try_text(*report.first_try));
    }
    if (const std::string_view creator = creator_of(report); !creator.empty()) {
        text += fmt::format("snapshotCreator={}, ", creator);
    }
    if (report.host_status_before) {
        text += fmt::format("hostStatusCodePreSnapshot={}, ", *report.host_status_before);
    }
    if (report.snapshots.host_status) {
        text += fmt::format("hostStatusCodeDoSnapshot={}, ", *report.snapshots.host_status);
    }
    if (taken(report, verdict)) {
        text += fmt::format("consistency={}, ", wire_name(report.claim.level));
        if (!report.claim.reasons.empty()) {
            text += fmt::format("reason={}, ", fmt::join(report.claim.reasons, "; "));
        }
    }
    return text;
}

/// Scripts are set up, although a check may have kept them from being run.
bool about_scripts(const std::optional<Error>& error) {
    constexpr int kFirst = 300;
    constexpr int kLast = 318;
    const int number = error ? entry_of(error->code()).published : 0;
    return number >= kFirst && number <= kLast;
}

void add_duration(std::vector<TelemetryFact>& facts, std::string_view key,
                  std::optional<std::chrono::nanoseconds> duration) {
    if (duration) {
        facts.push_back({std::string(key), duration_text(*duration)});
    }
}

/// Sizes are in units of 1024 bytes and stand there only when there is something to say.
void add_storage(std::vector<TelemetryFact>& facts, const StorageFacts& storage) {
    constexpr std::uint64_t kUnit = 1024;
    if (storage.network_mounted) {
        facts.push_back({"networkFSTypePresentInMount", "True"});
    }
    if (storage.temporary_bytes != 0) {
        facts.push_back({"tempDisksSize", std::to_string(storage.temporary_bytes / kUnit)});
    }
    if (storage.loop_bytes != 0) {
        facts.push_back({"loopDevicesSize", std::to_string(storage.loop_bytes / kUnit)});
    }
}

std::vector<TelemetryFact> telemetry(const BackupReport& report, const Verdict& verdict) {
    std::vector<TelemetryFact> facts = report.facts;
    const auto add = [&](std::string_view key, std::string value) {
        facts.push_back({std::string(key), std::move(value)});
    };
    if (report.host_status_before) {
        add("hostStatusCodePreSnapshot", std::to_string(*report.host_status_before));
    }
    add("consistencyType",
        std::string(taken(report, verdict) ? wire_name(report.claim.level) : "none"));
    if (report.hooks_ran || about_scripts(report.hook_error) || about_scripts(report.error)) {
        add("isPrePostEnabled", "true");
    }
    if (!report.application_name.empty()) {
        add("appName", report.application_name);
    }
    if (const std::string_view creator = creator_of(report); !creator.empty()) {
        add("snapshotCreator", std::string(creator));
    }
    add_duration(facts, "FreezeTime", freezing_took(report.evidence));
    add_duration(facts, "ThawTime", thawing_took(report.evidence));
    add_duration(facts, "heldTime", held_for(report.evidence));
    if (report.snapshots.host_status) {
        add("hostStatusCodeDoSnapshot", std::to_string(*report.snapshots.host_status));
    }
    if (report.snapshots.first_sent != Instant::zero()) {
        add_duration(facts, "snapshotTimeTaken",
                     report.snapshots.last_reply - report.snapshots.first_sent);
    }
    if (verdict.code != transition_verdict().code) {
        add("extErrorCode", std::string(find_published(verdict.health_code)->name));
    }
    add_storage(facts, report.storage);
    if (report.status_upload_failed) {
        add("statusBlobUploadError", "true");
    }
    return facts;
}

}  // namespace

StatusDocument status_document(const BackupReport& report, const Verdict& verdict,
                               const DocumentOrigin& origin) {
    StatusDocument document;
    document.handler_name = origin.handler_name;
    document.handler_version = origin.handler_version;
    document.time = origin.time;
    document.status = verdict.status;
    document.code = verdict.code;
    document.request = report.request;
    document.message = message_text(report, verdict);
    document.consistency = verdict.consistency;
    document.storage = report.storage;
    document.telemetry = telemetry(report, verdict);
    document.machine_id = origin.machine_id;
    if (report.snapshots_tried && verdict.code != transition_verdict().code) {
        document.snapshots = list_snapshots(report.snapshots);
    }
    document.health_state = verdict.health_state;
    document.health_code = verdict.health_code;
    return document;
}

}  // namespace stillpoint
