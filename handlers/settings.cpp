// SPDX-License-Identifier: Apache-2.0
#include "handlers/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/format.h"
#include "handlers/sas_uri.h"
#include "handlers/settings_reader.h"

namespace stillpoint {
namespace {

constexpr std::string_view kMachineOfToday = "microsoft.compute/virtualmachines";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// The file's one handlerSettings object within `document`.
Result<JsonField> handler_settings(const Json& document) {
    const JsonField root(document, "settings");
    const auto runtime = root.need("runtimeSettings");
    if (!runtime) {
        return runtime.error();
    }
    const auto elements = runtime->elements();
    if (elements.empty()) {
        return fail(Code::settings_malformed, runtime->path() + ": expected a list of one object");
    }
    return elements.front().need("handlerSettings");
}

Result<Json> parse_file(std::string_view text) {
    if (text.empty()) {
        // What the VM agent writes when it was given no settings.
        return fail(Code::settings_missing, "the settings file is empty");
    }
    if (text.size() > kSettingsLimitBytes) {
        return fail(Code::settings_malformed,
                    fmt::format("the settings file is larger than {} bytes", kSettingsLimitBytes));
    }
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    return parse_json(text, "settings");
}

/// Text, or a number that the service wrote without quotes. Anything else is a warning and empty.
std::string text_of(const JsonField& object, std::string_view name,
                    std::vector<std::string>& warnings) {
    const auto field = object.find(name);
    if (!field) {
        return {};
    }
    if (field->json().is_number_integer()) {
        return json_text(field->json());
    }
    const auto text = field->as_string();
    if (!text) {
        warnings.push_back(text.error().message());
        return {};
    }
    return *text;
}

RequestEcho read_echo(const JsonField& settings, std::vector<std::string>& warnings) {
    RequestEcho echo;
    echo.task_id = text_of(settings, "taskId", warnings);
    echo.command_start_ticks = text_of(settings, "commandStartTimeUTCTicks", warnings);
    const std::string type = lower(text_of(settings, "vmType", warnings));
    echo.classic_vm = !type.empty() && type != kMachineOfToday;
    return echo;
}

std::optional<std::int64_t> parse_ticks(const std::string& text) {
    std::int64_t ticks = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticks);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return ticks;
}

/// Opens the protected settings; null when there are none.
Result<Json> open_protected(const JsonField& handler, const SettingsProtector& protector,
                            bool& present) {
    const auto sealed = handler.find("protectedSettings");
    present = sealed.has_value();
    if (!sealed) {
        return Json(nullptr);
    }
    const auto thumbprint = handler.find("protectedSettingsCertThumbprint");
    if (!thumbprint) {
        return fail(Code::settings_undecryptable,
                    "protectedSettings: there is no protectedSettingsCertThumbprint beside it");
    }
    const auto sealed_text = sealed->as_string();
    const auto thumbprint_text = thumbprint->as_string();
    if (!sealed_text || !thumbprint_text) {
        return (sealed_text ? thumbprint_text : sealed_text).error();
    }
    const Result<Secret> opened = protector.unprotect(*sealed_text, *thumbprint_text);
    if (!opened) {
        return opened.error();
    }
    Result<Json> parsed = parse_json(opened->reveal(), "protectedSettings");
    if (parsed && !parsed->is_object()) {
        return JsonField(*parsed, "protectedSettings").wrong("an object");
    }
    return parsed;
}

/// A text that may stand in either half; the public one counts if it is not empty.
std::string either(const JsonField& open, const JsonField& sealed, std::string_view name,
                   std::vector<std::string>& warnings) {
    std::string text = text_of(open, name, warnings);
    return text.empty() ? text_of(sealed, name, warnings) : text;
}

std::optional<HttpTarget> read_target(const JsonField& open, const JsonField& sealed,
                                      std::string_view name, std::vector<std::string>& warnings) {
    std::string uri = either(open, sealed, name, warnings);
    if (uri.empty()) {
        return std::nullopt;
    }
    Result<HttpTarget> target = parse_sas_uri(uri, name);
    wipe(uri);
    if (!target) {
        warnings.push_back(target.error().message() + "; nothing is uploaded there");
        return std::nullopt;
    }
    return *std::move(target);
}

/// blobSASUri of the protected objectStr. All or none: a snapshot of some disks is worth nothing.
Result<std::vector<HttpTarget>> read_blobs(const JsonField& sealed) {
    std::vector<HttpTarget> blobs;
    const auto text = sealed.find("objectStr");
    if (!text || text->json() == "") {
        return blobs;
    }
    Result<Json> object = decode_object(*text);
    if (!object) {
        return object.error();
    }
    const auto list = JsonField(*object, text->path()).find("blobSASUri");
    Result<void> good = list ? list->must_be_list() : Result<void>();
    if (list && good) {
        for (const JsonField& element : list->elements()) {
            auto uri = element.as_string();
            auto target = uri ? parse_sas_uri(*uri, element.path()) : uri.error();
            if (!target) {
                good = target.error();
                break;
            }
            wipe(*uri);
            blobs.push_back(*std::move(target));
        }
    }
    wipe_strings(*object);
    if (!good) {
        return good.error();
    }
    return blobs;
}

Result<BackupRequest::Command> read_command(const JsonField& settings) {
    const auto field = settings.need("commandToExecute");
    const auto text = field ? field->as_string() : Result<std::string>(field.error());
    if (!text) {
        return text.error();
    }
    const std::string command = lower(*text);
    if (command.find("install") != std::string::npos) {
        return BackupRequest::Command::install;
    }
    if (command.find("snapshot") != std::string::npos) {
        return BackupRequest::Command::snapshot;
    }
    return fail(Code::command_unknown, "command is not correct");
}

Result<void> read_public(const JsonField& open, const JsonField& sealed, SettingsReading& reading) {
    BackupRequest& request = reading.request;
    const auto command = read_command(open);
    if (!command) {
        return command.error();
    }
    request.command = *command;
    const RequestEcho echo = read_echo(open, reading.warnings);
    request.task_id = echo.task_id;
    request.backup_task_id = echo.task_id;
    request.command_start_ticks = echo.command_start_ticks;
    request.command_start_ticks_number = parse_ticks(echo.command_start_ticks);
    if (!echo.command_start_ticks.empty() && !request.command_start_ticks_number) {
        reading.warnings.push_back(
            "publicSettings.commandStartTimeUTCTicks: not a number; the time limit is off");
    }
    request.classic_vm = echo.classic_vm;
    request.vm_type = text_of(open, "vmType", reading.warnings);
    const std::string custom = either(open, sealed, "customSettings", reading.warnings);
    if (!custom.empty()) {
        read_custom_settings(custom, reading);
    }
    if (request.command == BackupRequest::Command::install) {
        return {};
    }
    const auto object_text = open.need("objectStr");
    if (!object_text) {
        return object_text.error();
    }
    Result<Json> object = decode_object(*object_text);
    if (!object) {
        return object.error();
    }
    return read_public_object(JsonField(*object, object_text->path()), reading);
}

void read_protected(const JsonField& open, const JsonField& sealed, SettingsReading& reading,
                    std::optional<Error>& protected_error) {
    BackupRequest& request = reading.request;
    request.logs_blob = read_target(open, sealed, "logsBlobUri", reading.warnings);
    request.status_blob = read_target(open, sealed, "statusBlobUri", reading.warnings);
    if (request.task_token.empty()) {
        request.task_token = Secret(text_of(sealed, "snapshotTaskToken", reading.warnings));
    }
    auto blobs = read_blobs(sealed);
    if (blobs) {
        request.blobs = *std::move(blobs);
    } else if (!protected_error) {
        protected_error = blobs.error();
    }
}

Result<void> choose_method(SettingsReading& reading) {
    BackupRequest& request = reading.request;
    MethodFacts& facts = reading.method;
    facts.lun_list_empty = request.luns.empty();
    facts.lun_is_write_accelerated = std::ranges::any_of(request.luns, [&](int lun) {
        return std::ranges::count(request.write_accelerated_luns, lun) > 0;
    });
    facts.any_disk_excluded = request.any_disk_excluded;
    facts.any_write_accelerated = request.any_write_accelerated;
    facts.vmgs_included = request.vmgs_included;
    facts.any_direct_drive = request.any_direct_drive;
    const auto method = decide_snapshot_method(facts);
    if (!method) {
        return method.error();
    }
    request.method = *method;
    return {};
}

}  // namespace

Result<ParsedSettings> parse_settings(std::string_view file_text,
                                      const SettingsProtector& protector,
                                      std::string_view configured_method) {
    const Result<Json> document = parse_file(file_text);
    if (!document) {
        return document.error();
    }
    const auto handler = handler_settings(*document);
    if (!handler) {
        return handler.error();
    }
    const auto open_member = handler->need("publicSettings");
    if (!open_member) {
        return open_member.error();
    }
    const JsonField open(open_member->json(), "publicSettings");
    if (auto good = open.must_be_object(); !good) {
        return good.error();
    }

    ParsedSettings settings;
    Result<Json> opened = open_protected(*handler, protector, settings.had_protected_settings);
    if (!opened) {
        settings.protected_error = opened.error();
    }
    Json sealed_json = opened ? *std::move(opened) : Json(nullptr);
    const JsonField sealed(sealed_json, "protectedSettings");

    MethodFacts method{std::string(configured_method), {}};
    SettingsReading reading{settings.request, method, settings.warnings};
    Result<void> good = read_public(open, sealed, reading);
    if (good) {
        read_protected(open, sealed, reading, settings.protected_error);
        good = choose_method(reading);
    }
    wipe_strings(sealed_json);
    if (!good) {
        return good.error();
    }
    for (const PassedSetting& one : settings.request.host_settings) {
        if (one.key == "EnableVMSnapshotExtensionPolling") {
            settings.host_polling = one.json == "true" || one.json == "1";
        }
    }
    return settings;
}

RequestEcho echo_settings(std::string_view file_text) {
    std::vector<std::string> ignored;
    const Result<Json> document = parse_file(file_text);
    const auto handler = document ? handler_settings(*document) : document.error();
    const auto open = handler ? handler->find("publicSettings") : std::nullopt;
    return open ? read_echo(*open, ignored) : RequestEcho{};
}

Result<std::string> without_protected_settings(std::string_view file_text) {
    Result<Json> document = parse_file(file_text);
    if (!document) {
        return document.error();
    }
    if (const auto handler = handler_settings(*document); !handler) {
        return handler.error();
    }
    Json& settings = (*document)["runtimeSettings"][0]["handlerSettings"];
    settings.erase("protectedSettings");
    return json_text(*document);
}

}  // namespace stillpoint
