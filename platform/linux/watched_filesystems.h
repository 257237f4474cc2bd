// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "platform/linux/block_counters.h"
#include "platform/still_point.h"

namespace stillpoint::linux_os {

/// Filesystems that cannot be frozen: synced and counted before the hold, synced and counted again
/// behind it. If no sector moved between, nothing was dirty either, and they were as good as
/// frozen.
class WatchedFilesystems {
public:
    /// Syncs each (at most `limit` altogether) and takes the first counters.
    WatchedFilesystems(const std::vector<FilesystemToWatch>& filesystems,
                       std::chrono::milliseconds limit);

    /// The second sync and the verdict.
    std::vector<WatchedEvidence> finish(std::chrono::milliseconds limit);

private:
    struct Watched {
        WatchedEvidence evidence;
        BlockCounterReader reader;
        std::vector<CounterReading> before;
    };
    std::vector<Watched> watched_;
};

}  // namespace stillpoint::linux_os
