// SPDX-License-Identifier: Apache-2.0
#include "handlers/log_text.h"

#include <algorithm>

#include "base/format.h"

namespace stillpoint {

std::string log_text(const LogLine& line) {
    const auto day = std::chrono::floor<std::chrono::days>(line.time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(line.time - day);
    std::string text = line.text;
    std::ranges::replace(text, '\n', ' ');
    std::ranges::replace(text, '\r', ' ');
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}000  {}  {} \n",
                       static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(), clock.subseconds().count(),
                       name_of(line.level), text);
}

void RecentLines::add(const LogLine& line) {
    lines_.push_back(line);
    bytes_ += line.text.size();
    if (bytes_ <= kBytes) {
        return;
    }
    // Half of them at once: else each further line would move all others.
    std::size_t count = 0;
    while (count < lines_.size() && bytes_ > kBytes / 2) {
        bytes_ -= lines_[count++].text.size();
    }
    lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(count));
    forgotten_ += count;
}

std::string RecentLines::text() const {
    std::string all = forgotten_ == 0
                          ? std::string()
                          : fmt::format("({} earlier lines are in the log file) \n", forgotten_);
    for (const LogLine& line : lines_) {
        all += log_text(line);
    }
    return all;
}

}  // namespace stillpoint
