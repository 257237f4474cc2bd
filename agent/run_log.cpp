// SPDX-License-Identifier: Apache-2.0
#include "agent/run_log.h"

#include <memory>

#include "platform/linux/log_file.h"

namespace stillpoint {

RunLog::RunLog(const Clock& clock, const std::string& log_folder, bool to_file) : log_(clock) {
    const auto file = to_file ? std::make_shared<linux_os::LogFile>(log_folder)
                              : std::make_shared<linux_os::LogFile>();
    log_.add_sink([this, file](const LogLine& line) {
        recent_.add(line);
        if (file->is_open()) {
            file->write(log_text(line));
        }
    });
}

}  // namespace stillpoint
