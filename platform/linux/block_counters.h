// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/linux/guard/unique_fd.h"
#include "platform/still_point.h"

namespace stillpoint::linux_os {

/// Puts sectors written and sectors discarded of a `stat` file into `counters`. False when the text
/// is something else. Kernels before 4.19 have 11 fields and count discards as writes.
/// Pure, allocates nothing. Source: Linux, Documentation/block/stat.rst.
bool parse_block_stat(std::string_view text, BlockCounters& counters) noexcept;

/// The same for the writes in flight: the second number of an `inflight` file.
bool parse_inflight(std::string_view text, BlockCounters& counters) noexcept;

/// One reading of one device; no value: it has no counters, or the kernel does not keep them.
using CounterReading = std::optional<BlockCounters>;

/// Reads block devices' counters while filesystems are frozen: the files are opened before, the
/// reading itself opens nothing, allocates nothing and writes nothing.
class BlockCounterReader {
public:
    /// Opens the counters of `names` (as in /sys/class/block). One that cannot be opened is not an
    /// error: its readings have no value.
    explicit BlockCounterReader(const std::vector<std::string>& names,
                                const std::string& sys_root = "/sys");

    std::size_t size() const noexcept { return devices_.size(); }

    /// One reading per name, in their order; `readings` has size() elements.
    void read_all(std::span<CounterReading> readings) const noexcept;

private:
    struct Device {
        UniqueFd stat;
        UniqueFd inflight;
        UniqueFd iostats;  // 0 in it: the counters stand still whatever happens
    };
    static CounterReading read(const Device& device) noexcept;

    std::vector<Device> devices_;
};

}  // namespace stillpoint::linux_os
