// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/log.h"

namespace stillpoint {

/// The log of one command: to extension.log in the VM agent's log folder, and kept for the log blob
/// and the events. A log file that cannot be written is no reason to fail.
class RunLog {
public:
    RunLog(const Clock& clock, const std::string& log_folder);

    Log& log() { return log_; }
    const std::vector<LogLine>& lines() const { return lines_; }
    /// All lines as they stand in the file.
    std::string text() const;

private:
    Log log_;
    std::vector<LogLine> lines_;
};

}  // namespace stillpoint
