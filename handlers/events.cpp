// SPDX-License-Identifier: Apache-2.0
#include "handlers/events.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/format.h"
#include "handlers/json_writer.h"

namespace stillpoint {
namespace {

constexpr std::size_t kPartLimit = 2900;
// More than an event's other members and the brackets around it may take.
constexpr std::size_t kEventRoom = 2048;
constexpr std::string_view kNoOperation = "00000000-0000-0000-0000-000000000000";

struct Event {
    WallTime time{};
    LogLevel level = LogLevel::info;
    std::string message;
};

std::string time_text(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}000",
                       static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return "Error";
        case LogLevel::warning:
            return "Warning";
        case LogLevel::info:
            return "Informational";
        case LogLevel::debug:
            return "Verbose";
    }
    return "Informational";
}

/// Where to cut `text` so that the part holds at most `limit` bytes and no broken character.
std::size_t cut_at(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text.size();
    }
    while (limit > 1 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) {
        --limit;
    }
    return limit;
}

std::vector<std::string> pieces_of(const LogLine& line) {
    const std::string start =
        fmt::format("{}\t[{}]:\t", time_text(line.time), level_name(line.level));
    std::string_view rest = line.text;
    if (start.size() + rest.size() + 1 <= kEventMessageLimit) {
        return {start + std::string(rest) + "\n"};
    }
    std::vector<std::string> parts;
    while (!rest.empty()) {
        const std::size_t end = cut_at(rest, kPartLimit);
        parts.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i] =
            fmt::format("{} [{}/{}] {}", time_text(line.time), i + 1, parts.size(), parts[i]);
    }
    return parts;
}

std::vector<Event> gather(const std::vector<LogLine>& lines) {
    std::vector<Event> events;
    std::size_t lost = 0;
    std::size_t bytes = 0;
    for (const LogLine& line : lines) {
        for (const std::string& piece : pieces_of(line)) {
            const bool joins = !events.empty() && events.back().level == line.level &&
                               events.back().message.size() + piece.size() <= kEventMessageLimit;
            const std::size_t size = json_quoted(piece).size() + (joins ? 0 : kEventRoom);
            const bool fits = (joins || events.size() < kEventsPerFile - 1) &&
                              bytes + size <= kEventFileLimit - kEventRoom;
            // In order: after a line that was left out there are no others.
            if (lost > 0 || !fits) {
                ++lost;
                continue;
            }
            bytes += size;
            if (joins) {
                events.back().message += piece;
            } else {
                events.push_back({line.time, line.level, piece});
            }
        }
    }
    if (lost > 0) {
        events.push_back({lines.back().time, LogLevel::warning,
                          fmt::format("{} more lines are in the log file", lost)});
    }
    return events;
}

/// Removes event files that nobody fetched for a day, by the time in their names. How many others
/// there are.
Result<std::size_t> tidy(FileStore& folder, std::uint64_t now) {
    const auto names = folder.list();
    if (!names) {
        return names.error();
    }
    constexpr std::uint64_t kAge = std::chrono::nanoseconds(kEventFilesKeptFor).count();
    std::size_t left = 0;
    for (const std::string& name : *names) {
        constexpr std::string_view kSuffix = ".json";
        std::uint64_t time = 0;
        const char* end = name.data() + name.size();
        const auto read = std::from_chars(name.data(), end, time);
        const bool is_event = read.ec == std::errc() && std::string_view(read.ptr, end) == kSuffix;
        const bool old = is_event && time < now && now - time > kAge;
        if (!old || !folder.remove(name)) {
            ++left;
        }
    }
    return left;
}

}  // namespace

std::string render_events(const EventOrigin& origin, const std::vector<LogLine>& lines) {
    const std::string operation =
        origin.operation_id.empty()
            ? std::string(kNoOperation)
            : origin.operation_id.substr(0, cut_at(origin.operation_id, kEventOperationLimit));
    JsonWriter json;
    json.begin_array();
    for (const Event& event : gather(lines)) {
        json.begin_object()
            .member("Version", origin.extension)
            .member("Timestamp", time_text(event.time))
            .member("TaskName", origin.task_name)
            .member("EventLevel", level_name(event.level))
            .member("Message", event.message)
            .member("EventPid", origin.process_id)
            .member("EventTid", fmt::format("{:0>8}", origin.thread_id))
            .member("OperationId", operation)
            .end_object();
    }
    json.end_array();
    return json.text();
}

Result<void> write_events(FileStore& folder, const EventOrigin& origin,
                          const std::vector<LogLine>& lines, std::uint64_t number) {
    if (lines.empty()) {
        return {};
    }
    const Result<std::size_t> waiting = tidy(folder, number);
    if (!waiting) {
        return waiting.error();
    }
    if (*waiting >= kEventFilesKept) {
        return {};
    }
    return folder.replace(fmt::format("{}.json", number), render_events(origin, lines));
}

}  // namespace stillpoint
