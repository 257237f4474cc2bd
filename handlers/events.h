// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "platform/file_store.h"

namespace stillpoint {

/// Who speaks in the events of one process.
struct EventOrigin {
    std::string extension;     // "Publisher.Type-1.2.3.4"
    std::string task_name;     // the command: "Enable"
    std::string operation_id;  // the task; empty: none
    std::string process_id;
    std::string thread_id;
};

// The VM agent's limits, with room to spare: it drops what is larger.
// Source: https://github.com/Azure/WALinuxAgent, azurelinuxagent/ga/collect_telemetry_events.py.
inline constexpr std::size_t kEventMessageLimit = 3000;
inline constexpr std::size_t kEventOperationLimit = 256;
inline constexpr std::size_t kEventsPerFile = 300;
inline constexpr std::size_t kEventFileLimit = 4'000'000;
// Ours: how many files may wait for a VM agent that does not fetch them, and how long.
inline constexpr std::size_t kEventFilesKept = 500;
inline constexpr std::chrono::hours kEventFilesKeptFor{24};

/// The text of one event file: lines of one level are put together, one event each; a longer one
/// is split and its parts numbered. Where more does not fit into a file, the last event says how
/// many lines are missing.
std::string render_events(const EventOrigin& origin, const std::vector<LogLine>& lines);

/// Leaves `lines` for the VM agent in its events folder. `number` names the file: nanoseconds
/// since 1970. Event files that the VM agent has not fetched for a day are removed; nothing is
/// written when there are no lines, or when the folder is full all the same. Errors:
/// file_unreadable, file_unwritable.
Result<void> write_events(FileStore& folder, const EventOrigin& origin,
                          const std::vector<LogLine>& lines, std::uint64_t number);

}  // namespace stillpoint
