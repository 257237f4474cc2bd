// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/log.h"

namespace stillpoint {

/// One line as it stands in the log file and the log blob: "2026-11-22 21:17:32.480000  Info  TEXT
/// \n". What would begin a new line in it shows as a blank.
std::string log_text(const LogLine& line);

/// The latest lines of a run, for the log blob and the events. What a run says is little; should it
/// ever be more than kBytes, the oldest lines are forgotten and counted.
class RecentLines {
public:
    static constexpr std::size_t kBytes = 1 << 20;

    void add(const LogLine& line);

    const std::vector<LogLine>& lines() const { return lines_; }
    /// All lines as they stand in the file; first, where some were forgotten, how many.
    std::string text() const;

private:
    std::vector<LogLine> lines_;
    std::size_t bytes_ = 0;
    std::size_t forgotten_ = 0;
};

}  // namespace stillpoint
