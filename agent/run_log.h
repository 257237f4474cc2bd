// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "handlers/log_text.h"

namespace stillpoint {

/// The log of one command: to extension.log in the VM agent's log folder, and kept for the log blob
/// and the events.
class RunLog {
public:
    /// Not `to_file`: nothing is written (WriteLog in vmbackup.conf).
    RunLog(const Clock& clock, const std::string& log_folder, bool to_file);

    Log& log() { return log_; }
    const std::vector<LogLine>& lines() const { return recent_.lines(); }
    /// The latest lines as they stand in the file.
    std::string text() const { return recent_.text(); }

private:
    Log log_;
    RecentLines recent_;
};

}  // namespace stillpoint
