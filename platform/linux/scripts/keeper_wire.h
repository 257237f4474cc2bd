// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/script_system.h"

/// What the worker and the keeper of its scripts say to each other: messages on a socket, each a
/// list of words, some with descriptors.
namespace stillpoint::linux_os::keeper_wire {

using Words = std::vector<std::string>;

struct Message {
    Words words;  // never empty
    std::vector<UniqueFd> fds;
};

// The first word of each.
constexpr char kPair[] = "pair";      // worker: one plugin; the descriptors of its two scripts
constexpr char kLock[] = "lock";      // worker: a descriptor that the keeper only has to keep
constexpr char kReady[] = "ready";    // keeper: I have it all
constexpr char kRun[] = "run";        // worker: phase, limit in ms
constexpr char kResult[] = "result";  // keeper: of one script of the phase, in order
constexpr char kEnd[] = "end";  // keeper: no more results; "early" when it did not wait for kRun

/// From here on a send() gives up when the other side takes nothing for a while: it may be stopped.
void limit_sending(int socket, std::chrono::seconds limit = std::chrono::seconds(10));

/// Errors: internal, also when the other side is gone.
Result<void> send(int socket, const Words& words, const std::vector<int>& fds = {});

/// No value: the other side is gone, or nothing came before `until`.
std::optional<Message> receive(int socket, Instant until);

Words words_of(const ScriptResult& result);
std::optional<ScriptResult> result_from(const Words& words);

/// Decimal; no value for anything else.
std::optional<long> number_from(const std::string& word);

}  // namespace stillpoint::linux_os::keeper_wire
