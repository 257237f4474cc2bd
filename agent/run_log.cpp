// SPDX-License-Identifier: Apache-2.0
#include "agent/run_log.h"

#include <ctime>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/format.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint {
namespace {

/// Past this the file becomes extension.log.1, which replaces the one before it.
constexpr off_t kRotateBytes = 5 << 20;

std::string text_of(const LogLine& line) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(line.time.time_since_epoch());
    const std::time_t seconds = static_cast<std::time_t>(micros.count() / 1'000'000);
    std::tm utc{};
    (void)::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}  {}  {} \n", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       micros.count() % 1'000'000, name_of(line.level), line.text);
}

linux_os::UniqueFd open_log(const std::string& folder) {
    const std::string path = folder + "/extension.log";
    const auto open = [&] {
        return linux_os::UniqueFd(
            ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    };
    linux_os::UniqueFd fd = open();
    struct stat status {};
    if (fd && ::fstat(fd.get(), &status) == 0 && status.st_size > kRotateBytes) {
        (void)::rename(path.c_str(), (path + ".1").c_str());
        fd = open();
    }
    return fd;
}

}  // namespace

RunLog::RunLog(const Clock& clock, const std::string& log_folder) : log_(clock) {
    const auto file = std::make_shared<linux_os::UniqueFd>(open_log(log_folder));
    log_.add_sink([this, file](const LogLine& line) {
        lines_.push_back(line);
        const std::string text = text_of(line);
        (void)!::write(file->get(), text.data(), text.size());
    });
}

std::string RunLog::text() const {
    std::string all;
    for (const LogLine& line : lines_) {
        all += text_of(line);
    }
    return all;
}

}  // namespace stillpoint
