// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/linux/scripts/script_file.h"
#include "platform/script_system.h"

namespace stillpoint::linux_os {

/// One script as the keeper has it.
struct KeptScript {
    std::string location;
    std::vector<std::string> parameters;
    std::chrono::milliseconds limit{};
    int retries = 0;
    std::shared_ptr<const OpenedFile> file;
    std::string digest;  // of the file when it was checked
};

/// What a supervisor says about one run, once.
struct RunReport {
    ScriptResult::How how = ScriptResult::How::lost;
    int number = 0;
    bool changed = false;
};

/// One run of one script under a supervisor: a process between us and the script, a subreaper, so
/// that everything that the script starts stays below it, whatever sessions it makes, and can be
/// ended with it. The supervisor itself ends the run at `until`, or as soon as we die. What a
/// script that ended by itself left running goes on: people start such processes on purpose.
class SupervisedRun {
public:
    /// Forks; must be called with one thread. Without a supervisor the first report says why.
    SupervisedRun(const KeptScript& script, ScriptPhase phase, Instant until);
    SupervisedRun(SupervisedRun&&) = default;
    SupervisedRun& operator=(SupervisedRun&&) = default;

    /// Readable when report() has an answer.
    int report_fd() const { return report_.get(); }
    /// The report, which is due: `lost` when there is none. Reaps the supervisor, killing it if it
    /// does not end.
    RunReport report();
    /// Everything is to be ended now.
    void cancel() const;

    /// Readable when the script, or what it left running, has printed something.
    int output_fd() const { return output_.get(); }
    /// Ours no longer: whoever has it goes on reading it.
    UniqueFd take_output() { return std::move(output_); }

private:
    UniqueFd report_;
    UniqueFd output_;
    pid_t supervisor_ = 0;
    RunReport failed_;
};

}  // namespace stillpoint::linux_os
