// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "platform/byte_source.h"

namespace stillpoint {

/// What lies in an XFS log between its tail and its head: what a mount would replay.
struct XfsLogContent {
    bool all_zero = false;  // at its beginning: never written to, or lost; nothing else then counts
    bool unmounted = false;  // it ends with the record of an unmount; nothing else then counts
    std::uint32_t tail = 0;  // in blocks of 512 bytes; xfs_logprint shows the same
    std::uint32_t head = 0;
    std::uint64_t transactions = 0;   // complete ones
    std::uint64_t of_superblock = 0;  // those of them that hold the superblock alone
    std::uint64_t incomplete = 0;     // begun there, and their end is not there
    bool counted_in_part = false;     // there is more: what was counted is a lower bound
};

/// `log` is the log alone. Bounded: at most 16 MiB between tail and head are looked at.
/// Errors: volume_unreadable, also when the log makes no sense.
Result<XfsLogContent> read_xfs_log(const ByteSource& log);

}  // namespace stillpoint
