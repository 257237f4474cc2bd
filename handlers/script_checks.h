// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "platform/script_system.h"

namespace stillpoint {

/// What is to be run around a snapshot, all of it checked; or the first check that failed.
struct CheckedScripts {
    std::vector<ScriptPair> pairs;
    /// continueBackupOnFailure of each pair; with an error, of the one that was refused too, if it
    /// got so far.
    std::vector<bool> continues;
    bool freeze = true;  // fsFreezeEnabled of the last one
    std::string app_name;
    std::chrono::milliseconds phase_limit{};
    /// Nothing may be run. Its code is one of 302 to 307 and 313 to 318 of docs/errors.md.
    std::optional<Error> error;
    /// Sentences for the log.
    std::vector<std::string> warnings;
};

/// Reads the plugin host's configuration and each script configuration, and opens the scripts, in
/// the order of docs/scripts.md; the first failure ends it. Every rule is asked of the opened file.
CheckedScripts check_scripts(ScriptSystem& system);

/// Whether scripts with this fault are left out without a failure: nobody set them up, or not so
/// that it could be seen.
bool leaves_out_silently(Code code);

}  // namespace stillpoint
