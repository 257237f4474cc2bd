// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace stillpoint::linux_os {

/// What a header says that it takes to try a key on it. Whoever can write to a disk can have it say
/// anything, and nothing can stop a derivation that has begun.
struct KeyCost {
    std::string what;  // "keyslot 3"
    std::uint64_t rounds = 0;
    std::uint64_t memory_kib = 0;  // 0: a derivation that needs none
    std::uint64_t key_bytes = 0;   // derived and taken apart; 0: bounded elsewhere

    bool operator==(const KeyCost&) const = default;
};

/// What a header says in a way that can mean anything to the library.
inline constexpr std::uint64_t kUnknownCost = std::numeric_limits<std::uint64_t>::max();

/// Why no key is to be tried, as a clause; empty: each costs no more than a minute on a slow
/// machine and memory that is there, and all of them a few. `free_kib`: what the machine can still
/// give.
std::string why_too_costly(const std::vector<KeyCost>& costs, std::uint64_t free_kib);

/// MemAvailable of /proc/meminfo's text; without it the most there can be.
std::uint64_t available_kib(std::string_view meminfo);

}  // namespace stillpoint::linux_os
