// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace stillpoint {

/// What became of the hooks that quiesce applications before a hold.
struct QuiesceOutcome {
    /// Hooks are configured and were started: only then may the claim rise above the filesystems.
    bool ran = false;
    /// The settings of the hooks let the backup go on although `error` is set; without an error,
    /// whether they will let it count as a success if resume() returns one.
    bool may_continue = true;
    /// The filesystems are to be held (fsFreezeEnabled).
    bool hold = true;
    /// The first failure. Its code is one of the script codes of docs/errors.md.
    std::optional<Error> error;
    /// Hooks are set up but were left out, which is no failure; empty: they were not.
    std::string why_left_out;
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

    /// After resume(): why it is not known that the applications rested until then, although
    /// nothing failed that would end the backup. Never ends one.
    virtual std::optional<Error> doubt() const { return std::nullopt; }

    /// For telemetry; empty: unknown.
    virtual std::string application_name() const { return {}; }
};

}  // namespace stillpoint
