// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace stillpoint {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

std::string_view name_of(LogLevel level);

struct LogField {
    std::string_view key;
    std::string value;
};

/// One line, finished and redacted, as every sink gets it.
struct LogLine {
    WallTime time{};
    LogLevel level = LogLevel::info;
    std::string text;
};

/// The agent's log: `log.info("freeze", "froze filesystem", {{"mount", path}})`. Category, a fixed
/// sentence, then fields: the sentence never contains data, so it can be searched for. Every line
/// passes the redactor before any sink sees it. Thread-safe.
///
/// While the guest is held a sink may write to a frozen filesystem and block for ever, so the lines
/// wait in memory between hold() and release(), at most `kHeldLines` of them (later ones are
/// counted and the count is logged).
class Log {
public:
    using Sink = std::function<void(const LogLine&)>;
    static constexpr std::size_t kHeldLines = 512;

    explicit Log(const Clock& clock) : clock_(clock) { held_lines_.reserve(kHeldLines); }

    void add_sink(Sink sink);

    void debug(std::string_view category, std::string_view sentence,
               std::initializer_list<LogField> = {});
    void info(std::string_view category, std::string_view sentence,
              std::initializer_list<LogField> = {});
    void warning(std::string_view category, std::string_view sentence,
                 std::initializer_list<LogField> = {});
    void error(std::string_view category, std::string_view sentence,
               std::initializer_list<LogField> = {});

    /// From here on lines wait in memory.
    void hold();
    /// Hands the waiting lines to the sinks, in order, and goes back to writing at once.
    void release();

private:
    void write(LogLevel level, std::string_view category, std::string_view sentence,
               std::initializer_list<LogField> fields);

    const Clock& clock_;
    std::mutex mutex_;
    std::vector<Sink> sinks_;
    bool held_ = false;
    std::vector<LogLine> held_lines_;
    std::size_t lost_ = 0;
};

}  // namespace stillpoint
