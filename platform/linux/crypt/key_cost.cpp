// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/key_cost.h"

#include <charconv>
#include <limits>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

// cryptsetup chooses what takes 2 s where it runs: up to some 10 million rounds, or 1 GiB passed
// over four times and more. These are a minute's on a slow core.
constexpr std::uint64_t kMostRounds = 100'000'000;
constexpr std::uint64_t kMostMemoryKib = 4U << 20;     // libcryptsetup's own limit
constexpr std::uint64_t kMostKibPassed = 32ULL << 20;  // 32 GiB
constexpr std::uint64_t kMostKeyBytes = 512;           // two keys of aes-xts and two of hmac-sha512
// A key that fits none is tried on all.
constexpr std::uint64_t kMostTogether = 4;  // times what one may cost

}  // namespace

std::string why_too_costly(const std::vector<KeyCost>& costs, std::uint64_t free_kib) {
    std::uint64_t rounds = 0;
    std::uint64_t kib_passed = 0;
    for (const KeyCost& cost : costs) {
        if (cost.key_bytes > kMostKeyBytes) {
            return fmt::format("{} asks for a key of {} bytes, more than the {} that are tried",
                               cost.what, cost.key_bytes, kMostKeyBytes);
        }
        if (cost.memory_kib == 0) {
            if (cost.rounds > kMostRounds) {
                return fmt::format("{} asks for {} rounds, more than the {} that are tried",
                                   cost.what, cost.rounds, kMostRounds);
            }
            rounds += cost.rounds;
            continue;
        }
        if (cost.memory_kib > kMostMemoryKib || cost.rounds > kMostKibPassed / cost.memory_kib) {
            return fmt::format("{} asks for {} passes over {} KiB of memory, more than is tried",
                               cost.what, cost.rounds, cost.memory_kib);
        }
        if (cost.memory_kib > free_kib) {
            return fmt::format("{} asks for {} KiB of memory, and {} KiB are free", cost.what,
                               cost.memory_kib, free_kib);
        }
        kib_passed += cost.rounds * cost.memory_kib;
    }
    if (rounds > kMostTogether * kMostRounds || kib_passed > kMostTogether * kMostKibPassed) {
        return fmt::format(
            "its keyslots together ask for {} rounds and for passes over {} KiB of "
            "memory, more than is tried",
            rounds, kib_passed);
    }
    return {};
}

std::uint64_t available_kib(std::string_view meminfo) {
    constexpr std::string_view kName = "MemAvailable:";
    std::uint64_t kib = 0;
    const std::size_t at = meminfo.find(kName);
    const std::size_t digits =
        at == std::string_view::npos ? at : meminfo.find_first_of("0123456789", at);
    if (digits == std::string_view::npos ||
        std::from_chars(meminfo.data() + digits, meminfo.data() + meminfo.size(), kib).ec !=
            std::errc()) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    return kib;
}

}  // namespace stillpoint::linux_os
