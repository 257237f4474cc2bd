// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/gather.h"

namespace stillpoint {

struct ReinstallResult {
    bool applied = false;
    RestorePlan plan;                     // what is still to do
    std::vector<RestoreStep> done;        // in order
    std::vector<RestoreStep> taken_back;  // in order
    std::vector<std::string> copies;      // files that keep what was changed
    std::optional<RestoreStep> failed_step;
    std::optional<Error> failure;
    std::vector<Error> not_put_back;
};

/// Plans only. Errors: inventory_unreadable.
Result<ReinstallResult> preview_reinstall(const RestoreCase& restore, RestoreLook& look);

/// Plans, does what can be done, and looks again, until nothing is left that can be done. When a
/// volume's own step fails, what was done for that volume is taken back and it is left; when one
/// for all of them fails, or `stopped` says so, everything is. Errors: inventory_unreadable, before
/// anything was done.
Result<ReinstallResult> apply_reinstall(const RestoreCase& restore, RestoreLook& look,
                                        RestoreSystem& system,
                                        const std::function<void(const std::string&)>& tell,
                                        const std::function<bool()>& stopped);

/// 0: all is open and mounted; 1: a step failed, and all that could be was taken back; 3: something
/// remains for a person.
int exit_code_of(const ReinstallResult& result);

std::string reinstall_text(const ReinstallResult& result);
std::string reinstall_json(const ReinstallResult& result);

}  // namespace stillpoint
