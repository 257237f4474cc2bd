// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_reply.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/json_text.h"

namespace stillpoint {
namespace {

Error malformed(const std::string& field, const std::string& fault) {
    return fail(Code::host_reply_malformed, "the host's reply: '" + field + "' " + fault);
}

const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Json& object, const char* name) {
    const Json* value = member(object, name);
    if (value == nullptr) {
        return {};
    }
    return value->is_string() ? value->get<std::string>() : python_json(*value);
}

// A number, or a text that is one: the service has sent both. A whole number only.
std::optional<int> number_of(const Json& value) {
    if (value.is_number_integer()) {
        const bool fits = value.is_number_unsigned()
                              ? value.get<std::uint64_t>() <= std::numeric_limits<int>::max()
                              : value.get<std::int64_t>() >= std::numeric_limits<int>::min();
        return fits ? std::optional(static_cast<int>(value.get<std::int64_t>())) : std::nullopt;
    }
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        int number = 0;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (fault == std::errc() && end == text.data() + text.size()) {
            return number;
        }
    }
    return std::nullopt;
}

std::optional<std::chrono::sys_days> day_of(int year, int month, int day) {
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (year < 1970 || year > 9999 || month < 1 || day < 1 || !date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date);
}

// {"year": 2026, "month": 11, "day": 22, "hour": 21, "minute": 17, "second": 24}, UTC.
Result<WallTime> read_time(const Json& time) {
    int fields[6] = {};
    constexpr const char* kNames[6] = {"year", "month", "day", "hour", "minute", "second"};
    for (int i = 0; i < 6; ++i) {
        const Json* value = member(time, kNames[i]);
        const std::optional<int> number = value ? number_of(*value) : std::nullopt;
        if (!number) {
            return malformed(std::string("responseTime.") + kNames[i], "is no number");
        }
        fields[i] = *number;
    }
    const auto day = day_of(fields[0], fields[1], fields[2]);
    const auto in = [](int value, int limit) { return value >= 0 && value < limit; };
    if (!day || !in(fields[3], 24) || !in(fields[4], 60) || !in(fields[5], 61)) {
        return malformed("responseTime", "is no time");
    }
    return WallTime(*day + std::chrono::hours(fields[3]) + std::chrono::minutes(fields[4]) +
                    std::chrono::seconds(fields[5]));
}

Result<DirectDriveSnapshot> read_direct_drive(Json& identifier, const std::string& where) {
    DirectDriveSnapshot snapshot;
    const std::optional<std::int64_t> created =
        parse_creation_time(text_of(identifier, "creationTime"));
    if (!created) {
        return malformed(where + ".creationTime", "is no time");
    }
    snapshot.creation_time_ms = *created;
    snapshot.id = text_of(identifier, "id");
    if (snapshot.id.empty()) {
        return malformed(where + ".id", "is missing");
    }
    if (const Json* token = member(identifier, "token"); token != nullptr && token->is_string()) {
        // Taken over and wiped where it was parsed.
        snapshot.token = Secret(std::move(identifier["token"].get_ref<std::string&>()));
    }
    if (const Json* minutes = member(identifier, "instantAccessDurationMinutes")) {
        snapshot.instant_access_minutes = number_of(*minutes);
    }
    return snapshot;
}

// The service says "true"; a boolean means the same. Whatever else stands there is no success.
bool read_success(const Json& value) {
    if (value.is_boolean()) {
        return value.get<bool>();
    }
    std::string text = value.is_string() ? value.get<std::string>() : std::string();
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text == "true";
}

// The host tells of the disks in the order in which they were asked for.
std::string disk_name(const std::vector<int>& luns, std::size_t at) {
    if (at >= luns.size()) {
        return "disk " + std::to_string(at + 1) + " of its list";
    }
    return luns[at] < 0 ? "the OS disk" : "the disk of LUN " + std::to_string(luns[at]);
}

// Somebody else's words within our sentence.
std::string quoted_words(std::string words) {
    constexpr std::size_t kEnough = 300;
    if (words.size() > kEnough) {
        words.resize(kEnough);
        words += "...";
    }
    return "it says '" + words + "'";
}

Error disk_error(const DiskOutcome& disk, const std::string& name) {
    const Error error = fail(Code::host_refused, "the host took no snapshot of " + name)
                            .with_http(disk.status_code);
    return disk.service_message.empty()
               ? error
               : error.caused_by(fail(Code::host_refused, quoted_words(disk.service_message)));
}

Result<DiskOutcome> read_disk(Json& element, const std::string& where, const std::string& which) {
    for (const char* name : {"isSuccessful", "snapshotUri", "errorMessage", "statusCode"}) {
        if (!element.contains(name)) {
            return malformed(where + "." + name, "is missing");
        }
    }
    DiskOutcome disk;
    disk.successful = read_success(element["isSuccessful"]);
    disk.snapshot_uri = text_of(element, "snapshotUri");
    disk.service_message = text_of(element, "errorMessage");
    disk.service_message_null = element["errorMessage"].is_null();
    // For people alone: an odd one must not spoil a good snapshot.
    disk.status_code = number_of(element["statusCode"]).value_or(0);
    if (member(element, "ddSnapshotIdentifier") != nullptr) {
        Result<DirectDriveSnapshot> direct =
            read_direct_drive(element["ddSnapshotIdentifier"], where + ".ddSnapshotIdentifier");
        if (!direct) {
            return direct.error();
        }
        disk.direct_drive = std::move(*direct);
    }
    if (!disk.successful) {
        disk.error = disk_error(disk, which);
    }
    return disk;
}

std::optional<HostEncryption> read_encryption(const Json& body) {
    const auto json_of = [&body](const char* name) {
        const Json* value = member(body, name);
        return value == nullptr ? std::string() : python_json(*value);
    };
    HostEncryption encryption{json_of("isOsDiskADEEncrypted"), json_of("areDataDisksADEEncrypted"),
                              json_of("DiskEncryptionSettings")};
    if (encryption.settings == "[]" || encryption.settings == "{}" ||
        encryption.settings == "\"\"") {
        encryption.settings.clear();
    }
    return encryption == HostEncryption{} ? std::nullopt : std::optional(encryption);
}

void read_disks(SnapshotOutcome& outcome, Json& body, const std::vector<int>& luns) {
    const Json* list = member(body, "snapshotInfo");
    if (list == nullptr || !list->is_array()) {
        outcome.error = malformed("snapshotInfo", list == nullptr ? "is missing" : "is no list");
        return;
    }
    for (Json& element : body["snapshotInfo"]) {
        const std::size_t at = outcome.disks.size();
        const std::string where = "snapshotInfo[" + std::to_string(at) + "]";
        Result<DiskOutcome> disk = read_disk(element, where, disk_name(luns, at));
        if (!disk) {
            if (std::ranges::any_of(outcome.disks, &DiskOutcome::successful)) {
                // What was understood stays; of the others nobody has seen a snapshot.
                outcome.disks_unmentioned = std::max(list->size(), luns.size()) - at;
            } else {
                outcome.error = disk.error();
            }
            return;
        }
        outcome.disks.push_back(std::move(*disk));
    }
    if (outcome.disks.empty() && !luns.empty()) {
        outcome.error = malformed("snapshotInfo", "tells of no disk");
    } else if (outcome.disks.size() < luns.size()) {
        // No failure of a disk: the host may know of one that is gone. But nobody has seen a
        // snapshot of it.
        outcome.disks_unmentioned = luns.size() - outcome.disks.size();
    }
}

// {"error": {"code": "Busy", "message": "later"}}: what the service says of itself.
Error with_own_words(const Error& error, std::string_view text) {
    const Result<Json> body = parse_json(text, Code::host_reply_malformed, "the host's error");
    const Json* said = body ? member(*body, "error") : nullptr;
    std::string words = said ? text_of(*said, "code") : std::string();
    if (const std::string message = said ? text_of(*said, "message") : ""; !message.empty()) {
        words += (words.empty() ? "" : ": ") + message;
    }
    return words.empty() ? error : error.caused_by(fail(Code::host_refused, quoted_words(words)));
}

}  // namespace

HostVerdict host_verdict(const Result<HttpReply>& reply, std::string_view call) {
    const std::string subject = "the host's snapshot service (" + std::string(call) + ") ";
    if (!reply) {
        return {kNoReply,
                fail(Code::host_unreachable, subject + "does not answer").caused_by(reply.error())};
    }
    const int status = reply->status;
    const std::string_view body = without_bom(reply->body);
    if (status == 200 || status == 201) {
        if (body.empty()) {
            return {
                kEmptyReply,
                fail(Code::host_reply_malformed, subject + "answered nothing").with_http(status)};
        }
        return {status, std::nullopt};
    }
    // Only an error of the service itself begins like this; any other 500 means that it is not
    // there.
    constexpr std::string_view kOwnError = "{ \"error\"";
    if (status == 500 && body.substr(0, kOwnError.size()) != kOwnError) {
        return {
            kServerError,
            fail(Code::host_server_error, subject + "failed on its own side").with_http(status)};
    }
    return {status,
            with_own_words(fail(Code::host_refused, subject + "refused").with_http(status), body)};
}

PreSnapshot read_presnapshot(const Result<HttpReply>& reply) {
    PreSnapshot answer;
    HostVerdict verdict = host_verdict(reply, "presnapshot");
    // The published number 556 belongs to dosnapshot alone.
    answer.status = verdict.status == kServerError ? reply->status : verdict.status;
    answer.error = std::move(verdict.error);
    if (answer.error) {
        return answer;
    }
    const Result<Json> body =
        parse_json(reply->body, Code::host_reply_malformed, "the host's reply to presnapshot");
    if (!body || !body->is_object()) {
        answer.error = body ? malformed("presnapshot", "is no object") : body.error();
        return answer;
    }
    answer.bhs_version = text_of(*body, "bhsVersion");
    answer.node_id = text_of(*body, "nodeId");
    answer.result = text_of(*body, "result");
    answer.encryption = read_encryption(*body);
    if (const Json* time = member(*body, "responseTime")) {
        if (const Result<WallTime> host_time = read_time(*time)) {
            answer.host_time = *host_time;
        } else {
            answer.error = host_time.error();
        }
    }
    return answer;
}

SnapshotOutcome read_dosnapshot(const Result<HttpReply>& reply, const std::vector<int>& luns) {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::host;
    outcome.answered = reply.has_value();
    HostVerdict verdict = host_verdict(reply, "dosnapshot");
    outcome.host_status = verdict.status;
    outcome.error = std::move(verdict.error);
    if (outcome.error) {
        return outcome;
    }
    Result<Json> body =
        parse_json(reply->body, Code::host_reply_malformed, "the host's reply to dosnapshot");
    if (!body) {
        outcome.error = body.error();
    } else {
        read_disks(outcome, *body, luns);
    }
    return outcome;
}

std::optional<std::int64_t> parse_creation_time(std::string_view text) {
    constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
    int fields[6] = {};
    std::size_t field = 0;
    if (text.size() < kShape.size() + 1 || text.back() != 'Z') {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) {
            return std::nullopt;
        }
        if (digit) {
            fields[field] = fields[field] * 10 + (text[i] - '0');
        } else {
            ++field;
        }
    }
    std::string_view fraction = text.substr(kShape.size(), text.size() - kShape.size() - 1);
    int millis = 0;
    if (!fraction.empty()) {
        const std::string_view digits = fraction.substr(1);
        if (fraction[0] != '.' || digits.empty() || digits.size() > 6 ||
            digits.find_first_not_of("0123456789") != std::string_view::npos) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i < 3; ++i) {
            millis = millis * 10 + (i < digits.size() ? digits[i] - '0' : 0);
        }
    }
    const auto day = day_of(fields[0], fields[1], fields[2]);
    if (!day || fields[3] > 23 || fields[4] > 59 || fields[5] > 59) {
        return std::nullopt;
    }
    const auto at = *day + std::chrono::hours(fields[3]) + std::chrono::minutes(fields[4]) +
                    std::chrono::seconds(fields[5]) + std::chrono::milliseconds(millis);
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

}  // namespace stillpoint
