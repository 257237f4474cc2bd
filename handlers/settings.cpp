// SPDX-License-Identifier: Apache-2.0
#include "handlers/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/format.h"
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

RequestEcho read_echo(const JsonField& settings, std::vector<std::string>& warnings) {
    RequestEcho echo;
    echo.task_id = text_of(settings, "taskId", warnings);
    echo.command_start_ticks = text_of(settings, "commandStartTimeUTCTicks", warnings);
    const std::string type = lower(text_of(settings, "vmType", warnings));
    echo.classic_vm = !type.empty() && type != kMachineOfToday;
    return echo;
}

std::optional<std::int64_t> parse_ticks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
    std::int64_t ticks = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticks);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return ticks;
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

void read_identity(const JsonField& open, SettingsReading& reading) {
    BackupRequest& request = reading.request;
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
}

Result<void> read_public(const JsonField& open, const JsonField& sealed, SettingsReading& reading) {
    BackupRequest& request = reading.request;
    const auto command = read_command(open);
    if (!command) {
        return command.error();
    }
    request.command = *command;
    read_identity(open, reading);
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
    Result<void> done = read_public_object(JsonField(*object, object_text->path()), reading);
    wipe_strings(*object);  // the task's token is among them
    return done;
}

void choose_method(SettingsReading& reading, ParsedSettings& settings) {
    BackupRequest& request = reading.request;
    MethodFacts& facts = reading.method;
    facts.lun_list_empty = request.luns.empty();
    facts.blobs_listed = !request.blobs.empty();
    facts.lun_is_write_accelerated = std::ranges::any_of(request.luns, [&](int lun) {
        return std::ranges::count(request.write_accelerated_luns, lun) > 0;
    });
    facts.any_disk_excluded = request.any_disk_excluded;
    facts.any_write_accelerated = request.any_write_accelerated;
    facts.vmgs_included = request.vmgs_included;
    facts.any_direct_drive = request.any_direct_drive;
    settings.method_reason = rule_for(facts).reason;
    const auto method = decide_snapshot_method(facts);
    if (method) {
        request.method = *method;
        return;
    }
    settings.lun_list_error = method.error();
    reading.warnings.push_back(method.error().message());
    request.method = SnapshotMethod::only_host;
}

}  // namespace

Result<ParsedSettings> parse_settings(std::string_view file_text,
                                      const SettingsProtector& protector,
                                      std::string_view configured_method) {
    const Result<Json> document = parse_file(file_text);
    const auto handler = document ? handler_settings(*document) : document.error();
    const auto member = handler ? handler->need("publicSettings") : handler.error();
    if (!member) {
        return member.error();
    }
    const JsonField open(member->json(), "publicSettings");
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
    const Result<void> good = read_public(open, sealed, reading);
    if (good) {
        read_protected(open, sealed, reading, settings.protected_error);
        choose_method(reading, settings);
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

DocumentTargets read_document_targets(std::string_view file_text,
                                      const SettingsProtector& protector) {
    DocumentTargets targets;
    const Result<Json> document = parse_file(file_text);
    const auto handler = document ? handler_settings(*document) : document.error();
    if (!handler) {
        return targets;
    }
    bool present = false;
    Result<Json> opened = open_protected(*handler, protector, present);
    targets.opened_protected_settings = present && opened.has_value();
    Json sealed_json = opened ? *std::move(opened) : Json(nullptr);
    const JsonField sealed(sealed_json, "protectedSettings");
    const Json nothing(nullptr);
    const auto open = handler->find("publicSettings");
    read_document_targets(open ? *open : JsonField(nothing, "publicSettings"), sealed, targets);
    wipe_strings(sealed_json);
    return targets;
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
