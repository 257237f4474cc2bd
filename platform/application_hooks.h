// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/error.h"

namespace stillpoint {

/// What became of the hooks that quiesce applications before a hold.
struct QuiesceOutcome {
    /// Hooks are configured and were started: only then may the claim rise above the filesystems.
    bool ran = false;
    /// The settings of the hooks let the backup go on although `error` is set.
    bool may_continue = true;
    /// The filesystems are to be held (fsFreezeEnabled).
    bool hold = true;
    /// The first failure. Its code is one of the script codes of docs/errors.md.
    std::optional<Error> error;
};

/// Brings applications to rest around a hold. Nothing is held while hooks run.
class ApplicationHooks {
public:
    virtual ~ApplicationHooks() = default;

    /// Before the hold. Has a limit of its own.
    virtual QuiesceOutcome quiesce() = 0;

    /// After the hold, once, whatever happened meanwhile: applications go on. Wakes up whatever
    /// quiesce() brought to rest, even partly. The error is the first failure.
    virtual std::optional<Error> resume() = 0;
};

}  // namespace stillpoint
