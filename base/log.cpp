// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/format.h"
#include "base/redact.h"

namespace stillpoint {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "Debug";
        case LogLevel::info:
            return "Info";
        case LogLevel::warning:
            return "Warning";
        case LogLevel::error:
            return "Error";
    }
    return "Unknown";
}

void Log::add_sink(Sink sink) {
    const std::lock_guard lock(mutex_);
    sinks_.push_back(std::move(sink));
}

void Log::debug(std::string_view category, std::string_view sentence,
                std::initializer_list<LogField> fields) {
    write(LogLevel::debug, category, sentence, fields);
}
void Log::info(std::string_view category, std::string_view sentence,
               std::initializer_list<LogField> fields) {
    write(LogLevel::info, category, sentence, fields);
}
void Log::warning(std::string_view category, std::string_view sentence,
                  std::initializer_list<LogField> fields) {
    write(LogLevel::warning, category, sentence, fields);
}
void Log::error(std::string_view category, std::string_view sentence,
                std::initializer_list<LogField> fields) {
    write(LogLevel::error, category, sentence, fields);
}

void Log::write(LogLevel level, std::string_view category, std::string_view sentence,
                std::initializer_list<LogField> fields) {
    std::string text = fmt::format("{}: {}", category, sentence);
    for (const LogField& field : fields) {
        text += fmt::format(" {}='{}'", field.key, field.value);
    }
    LogLine line{clock_.wall_now(), level, redact(text)};
    const std::lock_guard lock(mutex_);
    if (!held_) {
        for (const Sink& sink : sinks_) {
            sink(line);
        }
    } else if (held_lines_.size() < kHeldLines) {
        held_lines_.push_back(std::move(line));
    } else {
        ++lost_;
    }
}

void Log::hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void Log::release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    if (lost_ > 0) {
        held_lines_.push_back(
            {clock_.wall_now(), LogLevel::warning,
             fmt::format("log: lines lost while the guest was held count='{}'", lost_)});
        lost_ = 0;
    }
    for (const LogLine& line : held_lines_) {
        for (const Sink& sink : sinks_) {
            sink(line);
        }
    }
    held_lines_.clear();
}

}  // namespace stillpoint
