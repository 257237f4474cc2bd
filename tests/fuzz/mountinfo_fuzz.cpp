// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "platform/linux/block_counters.h"
#include "platform/linux/mountinfo.h"

/// The kernel writes these tables, but users choose what stands in them: mount points, sources,
/// options of FUSE filesystems, names of swap files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const stillpoint::Mount& mount : stillpoint::linux_os::parse_mountinfo(text, 1).mounts) {
        if (!mount.mount_point.starts_with('/') || mount.type.empty() || mount.namespace_pid != 1) {
            std::abort();
        }
    }
    (void)stillpoint::linux_os::parse_swaps(text);
    stillpoint::BlockCounters counters;
    (void)stillpoint::linux_os::parse_block_stat(text, counters);
    (void)stillpoint::linux_os::parse_inflight(text, counters);
    return 0;
}
