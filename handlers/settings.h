// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/settings_protector.h"
#include "snapshot/report.h"
#include "snapshot/request.h"

namespace stillpoint {

/// A settings file, read and checked.
struct ParsedSettings {
    BackupRequest request;
    /// Protected settings were there but could not be opened or understood: the run goes on with
    /// the public ones, which is enough where the host takes the snapshots. Code
    /// settings_undecryptable.
    std::optional<Error> protected_error;
    bool had_protected_settings = false;
    /// Disks are excluded, none is listed, and the host must take the snapshots: by the published
    /// rule error 17, which the extension before us never raised. The host is asked all the same.
    std::optional<Error> lun_list_error;
    /// Why `request.method` is what it is.
    std::string_view method_reason;
    /// EnableVMSnapshotExtensionPolling: the host wants to be asked for snapshot requests.
    bool host_polling = false;
    /// What was read leniently, one sentence each: names of fields, never values.
    std::vector<std::string> warnings;
};

inline constexpr std::size_t kSettingsLimitBytes = 4 << 20;

/// Reads SEQ.settings. `configured_method` is SnapshotMethod of vmbackup.conf, or empty.
///
/// Errors: settings_missing, settings_malformed with the path of the field and what was found
/// there, command_unknown. What the service may leave out is left out without an
/// error.
Result<ParsedSettings> parse_settings(std::string_view file_text,
                                      const SettingsProtector& protector,
                                      std::string_view configured_method = {});

/// What a status document needs of settings that could not be parsed: as much as can be read of
/// them; never fails.
RequestEcho echo_settings(std::string_view file_text);

/// Where documents about a request go that parse_settings refuses, as far as that can be read;
/// never fails.
struct DocumentTargets {
    std::optional<HttpTarget> status_blob;
    std::optional<HttpTarget> logs_blob;
    /// Protected settings were there, and they opened.
    bool opened_protected_settings = false;
};
DocumentTargets read_document_targets(std::string_view file_text,
                                      const SettingsProtector& protector);

/// The file without its protected settings, as it is left on the disk once they were opened.
/// Errors: settings_malformed.
Result<std::string> without_protected_settings(std::string_view file_text);

}  // namespace stillpoint
