// SPDX-License-Identifier: Apache-2.0
#include "handlers/sas_uri.h"
#include "handlers/settings.h"
#include "handlers/settings_reader.h"

namespace stillpoint {
namespace {

/// Opened or not, they are of no use: one cause for whoever reads the report.
Error unusable(const Error& cause) {
    return fail(Code::settings_undecryptable, "the protected settings are not understood")
        .caused_by(cause);
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

}  // namespace

std::string text_of(const JsonField& object, std::string_view name,
                    std::vector<std::string>& warnings) {
    const auto field = object.find(name);
    if (!field) {
        return {};
    }
    if (field->json().is_number_integer()) {
        return json_text(field->json());
    }
    auto text = field->as_string();
    if (!text) {
        warnings.push_back(text.error().message());
        return {};
    }
    return *std::move(text);  // moved, not copied: it may be a secret
}

std::string either(const JsonField& open, const JsonField& sealed, std::string_view name,
                   std::vector<std::string>& warnings) {
    std::string text = text_of(open, name, warnings);
    return text.empty() ? text_of(sealed, name, warnings) : text;
}

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
        return unusable((sealed_text ? thumbprint_text : sealed_text).error());
    }
    const Result<Secret> opened = protector.unprotect(*sealed_text, *thumbprint_text);
    if (!opened) {
        return opened.error();
    }
    Result<Json> parsed = parse_json(opened->reveal(), "protectedSettings");
    if (!parsed) {
        return unusable(parsed.error());
    }
    if (!parsed->is_object()) {
        return unusable(JsonField(*parsed, "protectedSettings").wrong("an object"));
    }
    return parsed;
}

void read_document_targets(const JsonField& open, const JsonField& sealed,
                           DocumentTargets& targets) {
    std::vector<std::string> ignored;
    targets.logs_blob = read_target(open, sealed, "logsBlobUri", ignored);
    targets.status_blob = read_target(open, sealed, "statusBlobUri", ignored);
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
        protected_error = unusable(blobs.error());
    }
}

}  // namespace stillpoint
