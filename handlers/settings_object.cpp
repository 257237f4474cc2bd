// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>

#include "base/base64.h"
#include "base/format.h"
#include "handlers/settings_reader.h"

namespace stillpoint {
namespace {

// In the order in which the host gets them. The last one comes with the disks, the others with
// the host's own configuration.
constexpr std::array<std::string_view, 5> kHostSettings = {
    "isSnapshotTtlEnabled", "useMccfToFetchDsasForAllDisks", "useMccfForLad",
    "EnableVMSnapshotExtensionPolling", "isVmmdBlobIncluded"};

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// What the host is asked for beyond the disks, each value with the JSON type it came with.
void read_host_settings(const JsonField& object, SettingsReading& reading) {
    std::vector<PassedSetting>& settings = reading.request.host_settings;
    for (const std::string_view name : kHostSettings) {
        settings.push_back({std::string(name), "false"});
    }
    if (const auto disks = object.find("includedDisks")) {
        if (const auto flag = disks->find("isVmmdBlobIncluded")) {
            settings.back().json = json_text(flag->json());
        }
    }
    const auto configs = object.find("dynamicConfigsFromCRP");
    if (!configs) {
        return;
    }
    if (!configs->must_be_list()) {
        reading.warnings.push_back(configs->wrong("a list").message());
    }
    for (const JsonField& config : configs->elements()) {
        const auto key = config.find("Key");
        const auto name = key ? key->as_string() : Result<std::string>(config.wrong("a Key"));
        if (!name || !config.has("Value")) {
            reading.warnings.push_back(config.path() + ": not a pair of Key and Value, ignored");
            continue;
        }
        const auto known = std::find_if(
            settings.begin(), settings.end() - 1,
            [&](const PassedSetting& one) { return same_ignoring_case(one.key, *name); });
        if (known != settings.end() - 1) {
            known->json = json_text(config.json()["Value"]);
        }
    }
}

Result<void> read_metadata(const JsonField& object, SettingsReading& reading) {
    auto list = object.need("backupMetadata");
    if (!list) {
        return list.error();
    }
    reading.request.metadata_json = json_text(list->json());
    if (!list->must_be_list()) {
        reading.warnings.push_back(list->wrong("a list").message());
    }
    for (const JsonField& pair : list->elements()) {
        const auto key = pair.find("Key");
        const auto value = pair.find("Value");
        const auto name = key ? key->as_string() : Result<std::string>(pair.wrong("a Key"));
        if (!name || !value) {
            reading.warnings.push_back(pair.path() +
                                       ": not a pair of Key and Value, blobs go "
                                       "without it");
            continue;
        }
        const std::string text =
            value->json().is_string() ? value->json().get<std::string>() : json_text(value->json());
        // What no header may hold is refused where it would become one: the host takes anything.
        reading.request.metadata.emplace_back(*name, text);
    }
    return {};
}

Result<std::vector<int>> read_luns(const JsonField& object, std::string_view name) {
    std::vector<int> luns;
    const auto list = object.find(name);
    if (!list) {
        return luns;
    }
    if (auto good = list->must_be_list(); !good) {
        return good.error();
    }
    for (const JsonField& element : list->elements()) {
        const auto lun = element.as_int();
        if (!lun) {
            return lun.error();
        }
        if (*lun < -1) {
            return fail(Code::settings_malformed, element.path() + ": out of range");
        }
        luns.push_back(*lun);
    }
    return luns;
}

Result<void> read_disks(const JsonField& disks, SettingsReading& reading) {
    if (!disks.must_be_object()) {
        reading.warnings.push_back(disks.wrong("an object").message() + "; taken as absent");
        return {};
    }
    BackupRequest& request = reading.request;
    auto luns = read_luns(disks, "dataDiskLunList");
    if (!luns) {
        return luns.error();
    }
    request.luns = *std::move(luns);
    if (read_flag(disks, "isOSDiskIncluded", reading.warnings)) {
        request.luns.push_back(-1);
    }
    request.disk_encryption = read_flag(disks, "isVMADEEnabled", reading.warnings);
    request.any_disk_excluded = read_flag(disks, "isAnyDiskExcluded", reading.warnings);
    request.any_write_accelerated = read_flag(disks, "isAnyWADiskIncluded", reading.warnings);
    request.vmgs_included = read_flag(disks, "isVmgsBlobIncluded", reading.warnings);
    request.any_direct_drive = read_flag(disks, "isAnyDirectDriveDiskIncluded", reading.warnings);
    if (const auto minutes = disks.find("instantAccessDurationMinutes")) {
        request.instant_access_json = json_text(minutes->json());
    }
    return {};
}

}  // namespace

bool read_flag(const JsonField& object, std::string_view name, std::vector<std::string>& warnings) {
    const auto field = object.find(name);
    if (!field) {
        return false;
    }
    const auto flag = field->as_bool();
    if (!flag) {
        warnings.push_back(field->wrong("a boolean").message() + "; taken as false");
    }
    return flag.value_or(false);
}

Result<Json> decode_object(const JsonField& field) {
    const auto text = field.as_string();
    if (!text) {
        return text.error();
    }
    std::optional<std::string> decoded = decode_base64_leniently(*text);
    if (!decoded) {
        return fail(Code::settings_malformed, field.path() + ": not base64");
    }
    std::string_view body = *decoded;
    // Some writers put the text into apostrophes and blanks.
    const auto strip = [&](std::string_view characters) {
        const std::size_t first = body.find_first_not_of(characters);
        const std::size_t last = body.find_last_not_of(characters);
        body = first == std::string_view::npos ? std::string_view()
                                               : body.substr(first, last - first + 1);
    };
    strip(" \t\r\n\v\f");
    strip("'");
    Result<Json> object = parse_json(body, field.path());
    wipe(*decoded);
    if (object && !object->is_object()) {
        return JsonField(*object, field.path()).wrong("an object");
    }
    return object;
}

void read_custom_settings(const std::string& text, SettingsReading& reading) {
    const Result<Json> parsed = parse_json(text, "customSettings");
    if (!parsed || !parsed->is_object()) {
        reading.warnings.push_back(
            parsed ? JsonField(*parsed, "customSettings").wrong("an object").message()
                   : parsed.error().message());
        return;
    }
    const JsonField object(*parsed, "customSettings");
    BackupRequest& request = reading.request;
    const auto text_of = [&](std::string_view name, std::string& target) {
        const auto field = object.find(name);
        const auto value = field ? field->as_string() : Result<std::string>(std::string());
        if (!value) {
            reading.warnings.push_back(value.error().message());
        } else if (!value->empty()) {
            target = *value;
        }
    };
    text_of("takeSnapshotFrom", reading.method.asked);
    text_of("backupTaskId", request.backup_task_id);
    // Required: who says where the snapshot is taken and not this gets no lesser point. Without
    // either of them these settings are no better than missing ones.
    request.managed_vm = object.find("isManagedVm") || object.find("takeSnapshotFrom")
                             ? read_flag(object, "isManagedVm", reading.warnings)
                             : true;
    request.may_be_crash_consistent =
        read_flag(object, "canTakeCrashConsistentSnapshot", reading.warnings);
    request.only_os_disk = read_flag(object, "isOnlyOSDiskBackupEnabled", reading.warnings);
    if (const auto field = object.find("backupRetryCount")) {
        if (const auto number = field->as_int()) {
            request.backup_retry_count = *number;
        } else {
            reading.warnings.push_back(number.error().message());
        }
    }
    if (auto luns = read_luns(object, "waDiskLunList")) {
        request.write_accelerated_luns = *std::move(luns);
    } else {
        reading.warnings.push_back(luns.error().message());
    }
}

Result<void> read_public_object(const JsonField& object, SettingsReading& reading) {
    if (auto good = read_metadata(object, reading); !good) {
        return good;
    }
    read_host_settings(object, reading);
    if (const auto token = object.find("snapshotTaskToken")) {
        auto text = token->as_string();
        if (text) {
            reading.request.task_token = Secret(*std::move(text));
        } else {
            reading.warnings.push_back(text.error().message() + "; taken as absent");
        }
    }
    const auto disks = object.find("includedDisks");
    return disks ? read_disks(*disks, reading) : Result<void>();
}

}  // namespace stillpoint
