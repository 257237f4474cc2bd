// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/json_reader.h"
#include "handlers/snapshot_method.h"
#include "platform/settings_protector.h"
#include "snapshot/request.h"

namespace stillpoint {

struct DocumentTargets;

// The parts of handlers/settings.cpp. Private to this folder: it shows the JSON library.

/// Collects what is common to all readers of settings.
struct SettingsReading {
    BackupRequest& request;
    MethodFacts& method;
    std::vector<std::string>& warnings;
};

/// Text, or a number that the service wrote without quotes. Anything else is a warning and empty.
std::string text_of(const JsonField& object, std::string_view name,
                    std::vector<std::string>& warnings);

/// A text that may stand in either half; the public one counts if it is not empty.
std::string either(const JsonField& open, const JsonField& sealed, std::string_view name,
                   std::vector<std::string>& warnings);

/// Opens the protected settings; null when there are none. Errors: settings_undecryptable.
Result<Json> open_protected(const JsonField& handler, const SettingsProtector& protector,
                            bool& present);

/// Where documents go, without a word about what is wrong with the addresses.
void read_document_targets(const JsonField& open, const JsonField& sealed,
                           DocumentTargets& targets);

/// What stands in the protected half, or in either. What is wrong with the blobs becomes
/// `protected_error`, if nothing stands there yet.
void read_protected(const JsonField& open, const JsonField& sealed, SettingsReading& reading,
                    std::optional<Error>& protected_error);

/// customSettings: text that holds JSON. A broken one is not an error: defaults stand, as the
/// service expects.
void read_custom_settings(const std::string& text, SettingsReading& reading);

/// The decoded public objectStr. Errors: settings_malformed.
Result<void> read_public_object(const JsonField& object, SettingsReading& reading);

/// Base64 that holds JSON, for both objectStr. Errors: settings_malformed.
Result<Json> decode_object(const JsonField& field);

/// A boolean where false and absent are the same; what is neither is a warning.
bool read_flag(const JsonField& object, std::string_view name, std::vector<std::string>& warnings);

}  // namespace stillpoint
