// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_messages.h"

#include "base/json_text.h"
#include "snapshot/host_reply.h"

namespace stillpoint {
namespace {

Json setting(const std::string& key, Json value) {
    Json entry = Json::object();
    entry["Key"] = key;
    entry["Value"] = std::move(value);
    return entry;
}

const std::string& task_of(const BackupRequest& request) {
    return request.backup_task_id.empty() ? request.task_id : request.backup_task_id;
}

// Appends {"Key": key, "Value": <json>}; nothing where the host said nothing.
Result<void> append_setting(Json& list, const std::string& key, const std::string& json) {
    Result<Json> value = parse_json(json, Code::settings_malformed, "the setting '" + key + "'");
    if (!value) {
        return value.error();
    }
    list.push_back(setting(key, std::move(*value)));
    return {};
}

Result<Json> settings_list(const BackupRequest& request,
                           const std::optional<HostEncryption>& encryption) {
    Json list = Json::array();
    std::vector<PassedSetting> all = request.host_settings;
    if (encryption) {
        const auto json_or_null = [](const std::string& json) {
            return json.empty() ? std::string("null") : json;
        };
        all.push_back({"isOsDiskADEEncrypted", json_or_null(encryption->os_disk)});
        all.push_back({"areDataDisksADEEncrypted", json_or_null(encryption->data_disks)});
    }
    for (const PassedSetting& passed : all) {
        if (const Result<void> added = append_setting(list, passed.key, passed.json); !added) {
            return added.error();
        }
    }
    return list;
}

Result<Json> metadata_list(const BackupRequest& request,
                           const std::optional<HostEncryption>& encryption) {
    if (request.metadata_json.empty()) {
        return Json::array();
    }
    Result<Json> list =
        parse_json(request.metadata_json, Code::settings_malformed, "'backupMetadata'");
    if (!list || !encryption || encryption->settings.empty() || !list->is_array()) {
        return list;
    }
    if (const Result<void> added =
            append_setting(*list, "DiskEncryptionSettings", encryption->settings);
        !added) {
        return added.error();
    }
    return list;
}

}  // namespace

HttpRequest host_request(const HostEndpoint& endpoint, std::string_view call, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.target.tls = false;
    request.target.host = endpoint.host;
    request.target.port = endpoint.port;
    request.target.path = "/metadata/recsvc/snapshot/" + std::string(call);
    request.target.query = Secret(std::string("api-version=2017-12-01"));
    request.headers = {
        {"Backup", "true"}, {"Content-type", "application/json"}, {"UserAgent", "VMSnapshot"}};
    request.body = std::move(body);
    return request;
}

std::string presnapshot_body(const BackupRequest& request, bool with_settings) {
    Json body = Json::object();
    body["taskId"] = task_of(request);
    body["snapshotTaskToken"] = std::string(request.task_token.reveal());
    if (with_settings) {
        body["preSnapshotSettings"] =
            Json::array({setting("isVMADEEnabled", request.disk_encryption)});
    }
    return python_json(body);
}

Result<std::string> dosnapshot_body(const BackupRequest& request,
                                    const std::optional<HostEncryption>& encryption) {
    const bool passes_encryption =
        request.disk_encryption && encryption && !encryption->settings.empty();
    const std::optional<HostEncryption> passed = passes_encryption ? encryption : std::nullopt;
    Result<Json> settings = settings_list(request, passed);
    if (!settings) {
        return settings.error();
    }
    Result<Json> metadata = metadata_list(request, passed);
    if (!metadata) {
        return metadata.error();
    }
    Json body = Json::object();
    body["taskId"] = task_of(request);
    body["diskIds"] = request.luns;
    body["settings"] = std::move(*settings);
    body["snapshotTaskToken"] = std::string(request.task_token.reveal());
    body["snapshotMetadata"] = std::move(*metadata);
    if (!request.instant_access_json.empty()) {
        Result<Json> minutes = parse_json(request.instant_access_json, Code::settings_malformed,
                                          "'instantAccessDurationMinutes'");
        if (!minutes) {
            return minutes.error();
        }
        body["instantAccessDurationMinutes"] = std::move(*minutes);
    }
    return python_json(body);
}

}  // namespace stillpoint
