// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stillpoint {

/// HandlerEnvironment.json: where the VM agent wants everything. Paths are taken from here, never
/// made up.
struct HandlerEnvironment {
    std::string name;
    std::string version;  // "1.0": of the file's format, not the extension's
    std::string log_folder;
    std::string config_folder;
    std::string status_folder;
    std::optional<std::string> heartbeat_file;
    std::optional<std::string> events_folder;  // none: this VM agent takes no events
};

/// Reads the file, an object or a list of one. Errors: settings_malformed, with the field.
Result<HandlerEnvironment> parse_handler_environment(std::string_view text);

/// The sequence number that the VM agent passes in ConfigSequenceNumber; none when the variable
/// is empty or no number.
std::optional<int> parse_sequence(std::string_view variable);

/// Without that variable: the settings file that was written last. `names` newest first.
std::optional<int> newest_sequence(const std::vector<std::string>& names);

/// The number in the name of an extension's folder, behind the last '-': "1.0.9184.0".
std::string extension_version(std::string_view folder);

}  // namespace stillpoint
