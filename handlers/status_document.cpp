// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_document.h"

#include "base/format.h"
#include "base/redact.h"
#include "handlers/json_writer.h"

namespace stillpoint {
namespace {

/// How much of the texts a document keeps.
struct Limits {
    std::size_t message;
    std::size_t disk_message;
    std::size_t telemetry_value;
    bool telemetry;
};

constexpr Limits kLimits[] = {
    {32'768, 16'384, 8'192, true},
    {4'096, 1'024, 1'024, true},
    {1'024, 128, 256, true},
    {1'024, 0, 0, false},
};

std::string cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return std::string(text);
    }
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) {
        --limit;
    }
    return std::string(text.substr(0, limit)) + (limit > 0 ? " ...[cut]" : "");
}

// The solidus is escaped on purpose: "\/Date(" is how the reader knows a date from a text.
std::string json_date(std::int64_t milliseconds) {
    return fmt::format("\"\\/Date({})\\/\"", milliseconds);
}

std::string utc_text(WallTime time) {
    // Own arithmetic instead of gmtime_r, which not every system has.
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(seconds - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

void write_optional(JsonWriter& json, std::string_view name,
                    const std::optional<std::string>& text) {
    json.key(name);
    if (text) {
        json.value(*text);
    } else {
        json.null();
    }
}

void write_message(JsonWriter& json, const StatusDocument& document, const Limits& limits) {
    JsonWriter inner;
    inner.begin_object()
        .member("messageStr", cut(redact(document.message), limits.message))
        .member("snapshotConsistency", document.consistency)
        .member("jobMessage", "")
        .member("isSizeComputationFailed", document.storage.failed)
        .end_object();
    json.key("formattedMessage")
        .begin_object()
        .member("lang", "en-US")
        .member("message", inner.text())
        .end_object();
}

void write_storage(JsonWriter& json, const StorageFacts& storage) {
    json.key("storageDetails")
        .begin_object()
        .member("partitionCount", storage.partitions)
        .member("totalUsedSizeInBytes", storage.used_bytes)
        .member("isStoragespacePresent", false)
        .member("isSizeComputationFailed", storage.failed)
        .end_object();
}

void write_telemetry(JsonWriter& json, const StatusDocument& document, const Limits& limits) {
    json.key("telemetryData").begin_array();
    if (limits.telemetry) {
        for (const TelemetryFact& fact : document.telemetry) {
            json.begin_object()
                .member("Value", cut(redact(fact.value), limits.telemetry_value))
                .member("Key", fact.key)
                .end_object();
        }
    }
    json.end_array();
}

void write_direct_drive(JsonWriter& json, const SnapshotInfo& info) {
    json.key("directDriveSnapshotIdentifier");
    if (!info.direct_drive) {
        json.null();
        return;
    }
    json.begin_object().key("creationTime").begin_object();
    json.key("DateTime").raw(json_date(info.direct_drive->creation_time_ms));
    json.member("OffsetMinutes", 0).end_object();
    json.member("id", info.direct_drive->id).member("token", info.direct_drive->token);
    json.key("instantAccessDurationMinutes");
    if (info.direct_drive->instant_access_minutes) {
        json.value(*info.direct_drive->instant_access_minutes);
    } else {
        json.null();
    }
    json.end_object();
}

void write_snapshots(JsonWriter& json, const StatusDocument& document, const Limits& limits) {
    json.key("snapshotInfo");
    if (!document.snapshots) {
        json.null();
        return;
    }
    json.begin_array();
    for (const SnapshotInfo& info : *document.snapshots) {
        json.begin_object().key("isSuccessful");
        if (info.by_host) {
            json.value(info.successful ? "true" : "false");
        } else {
            json.value(info.successful);
        }
        write_optional(json, "snapshotUri", info.snapshot_uri);
        std::optional<std::string> message;
        if (info.error_message) {
            message = cut(redact(*info.error_message), limits.disk_message);
        }
        write_optional(json, "errorMessage", message);
        write_optional(json, "blobUri", info.blob_uri);
        write_direct_drive(json, info);
        json.end_object();
    }
    json.end_array();
}

std::string render_blob(const StatusDocument& document, const Limits& limits) {
    JsonWriter json;
    json.begin_array().begin_object().member("version", "1.0");
    json.key("timestampUTC").raw(json_date(document.time.time_since_epoch().count()));
    json.key("status").begin_object().member("name", document.handler_name);
    json.member("operation", "Enable").member("status", document.status);
    json.key("substatus").begin_array().end_array();
    json.member("code", std::to_string(document.code)).member("taskId", document.request.task_id);
    write_message(json, document, limits);
    write_storage(json, document.storage);
    json.member("commandStartTimeUTCTicks", document.request.command_start_ticks);
    write_telemetry(json, document, limits);
    json.member("uniqueMachineId", document.machine_id);
    write_snapshots(json, document, limits);
    json.key("vmHealthInfo")
        .begin_object()
        .member("vmHealthState", document.health_state)
        .member("vmHealthStatusCode", document.health_code)
        .end_object();
    json.end_object().end_object().end_array();
    return json.text();
}

/// The outer status: a machine of today's kind always says success once a run has ended, so that
/// the platform does not call the extension broken when a backup failed.
std::string outer_status(const StatusDocument& document) {
    const bool ended = document.status == "success" || document.status == "error";
    return !document.request.classic_vm && ended ? "success" : document.status;
}

std::string render_file(const StatusDocument& document, const Limits& limits) {
    const std::string outer = outer_status(document);
    JsonWriter json;
    json.begin_array().begin_object().member("version", document.handler_version);
    json.member("timestampUTC", utc_text(document.time));
    json.key("status").begin_object().member("name", document.handler_name);
    json.member("operation", "Enable").member("status", outer);
    json.key("substatus").begin_array().begin_object().member("code", "0");
    json.member("name", render_blob(document, limits)).member("status", outer);
    json.key("formattedMessage").null().end_object().end_array();
    json.member("code", std::to_string(document.code)).member("taskId", document.request.task_id);
    write_message(json, document, limits);
    write_storage(json, document.storage);
    json.member("commandStartTimeUTCTicks", document.request.command_start_ticks);
    json.key("telemetryData").null().member("uniqueMachineId", document.machine_id);
    json.key("snapshotInfo").null().key("vmHealthInfo").null();
    json.end_object().end_object().end_array();
    return json.text();
}

/// What stands before the query of a snapshot's address: the disk itself.
std::string disk_uri(const std::string& snapshot_uri, bool direct_drive) {
    return snapshot_uri.substr(
        0, direct_drive ? snapshot_uri.find("/snapshots") : snapshot_uri.find('?'));
}

}  // namespace

std::string render_status_blob(const StatusDocument& document) {
    return render_blob(document, kLimits[0]);
}

std::string render_status_file(const StatusDocument& document) {
    std::string text;
    for (const Limits& limits : kLimits) {
        text = render_file(document, limits);
        if (text.size() <= kStatusLimitBytes) {
            break;
        }
    }
    return text;
}

std::vector<SnapshotInfo> list_snapshots(const SnapshotOutcome& outcome) {
    std::vector<SnapshotInfo> list;
    for (const DiskOutcome& disk : outcome.disks) {
        SnapshotInfo info;
        info.successful = disk.successful;
        info.by_host = outcome.by == SnapshotOutcome::By::host;
        const bool unanswered = disk.error && disk.error->code() == Code::blob_unreachable;
        if (!unanswered && !disk.service_message_null) {
            info.error_message = disk.service_message;
        }
        if (disk.successful && !disk.snapshot_uri.empty()) {
            info.blob_uri = disk_uri(disk.snapshot_uri, disk.direct_drive.has_value());
            if (!disk.direct_drive) {
                info.snapshot_uri = disk.snapshot_uri;
            }
        }
        if (disk.direct_drive) {
            const DirectDriveSnapshot& from = *disk.direct_drive;
            info.direct_drive = SnapshotInfo::DirectDrive{from.creation_time_ms, from.id,
                                                          std::string(from.token.reveal()),
                                                          from.instant_access_minutes};
        }
        list.push_back(std::move(info));
    }
    return list;
}

}  // namespace stillpoint
