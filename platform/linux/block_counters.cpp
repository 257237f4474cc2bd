// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/block_counters.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace stillpoint::linux_os {
namespace {

constexpr std::size_t kSectorsWritten = 7;  // counted from 1, as the kernel's page does
constexpr std::size_t kSectorsDiscarded = 14;

/// Reads up to `numbers.size()` numbers; how many there were. 0 when the text holds anything else.
std::size_t numbers_in(std::string_view text, std::span<std::uint64_t> numbers) noexcept {
    std::size_t count = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (count < numbers.size()) {
        while (at != end && (*at == ' ' || *at == '\n' || *at == '\t')) {
            ++at;
        }
        if (at == end) {
            return count;
        }
        const auto [next, error] = std::from_chars(at, end, numbers[count]);
        if (error != std::errc() ||
            (next != end && *next != ' ' && *next != '\n' && *next != '\t')) {
            return 0;
        }
        at = next;
        ++count;
    }
    return count;
}

UniqueFd open_attribute(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string_view read_at_start(const UniqueFd& file, std::span<char> buffer) noexcept {
    const ssize_t size = file ? ::pread(file.get(), buffer.data(), buffer.size(), 0) : -1;
    return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

bool parse_block_stat(std::string_view text, BlockCounters& counters) noexcept {
    std::array<std::uint64_t, kSectorsDiscarded> fields{};
    const std::size_t count = numbers_in(text, fields);
    if (count < kSectorsWritten) {
        return false;
    }
    counters.sectors_written = fields[kSectorsWritten - 1];
    counters.sectors_discarded = fields[kSectorsDiscarded - 1];  // 0 where there is no such field
    return true;
}

bool parse_inflight(std::string_view text, BlockCounters& counters) noexcept {
    std::array<std::uint64_t, 2> fields{};
    if (numbers_in(text, fields) != fields.size()) {
        return false;
    }
    counters.writes_in_flight = fields[1];
    return true;
}

BlockCounterReader::BlockCounterReader(const std::vector<std::string>& names,
                                       const std::string& sys_root) {
    devices_.reserve(names.size());
    for (const std::string& name : names) {
        const std::string folder = sys_root + "/class/block/" + name;
        Device device;
        device.stat = open_attribute(folder + "/stat");
        device.inflight = open_attribute(folder + "/inflight");
        device.iostats = open_attribute(folder + "/queue/iostats");
        if (!device.iostats) {
            // A partition's queue is its disk's. The folder is a link, so ".." is that of the disk.
            device.iostats = open_attribute(folder + "/../queue/iostats");
        }
        devices_.push_back(std::move(device));
    }
}

void BlockCounterReader::read_all(std::span<CounterReading> readings) const noexcept {
    assert(readings.size() == devices_.size());
    for (std::size_t at = 0; at < std::min(devices_.size(), readings.size()); ++at) {
        readings[at] = read(devices_[at]);
    }
}

CounterReading BlockCounterReader::read(const Device& device) noexcept {
    std::array<char, 512> buffer;
    BlockCounters counters;
    if (read_at_start(device.iostats, buffer).starts_with('0') ||
        !parse_block_stat(read_at_start(device.stat, buffer), counters) ||
        !parse_inflight(read_at_start(device.inflight, buffer), counters)) {
        return std::nullopt;
    }
    return counters;
}

}  // namespace stillpoint::linux_os
