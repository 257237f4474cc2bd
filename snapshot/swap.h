// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "snapshot/footing.h"

namespace stillpoint {

/// Active swap areas make sectors move although every filesystem is frozen. What that means for the
/// counters that are evidence:
struct SwapEffect {
    std::vector<std::string> not_counted;  // swap partitions: nothing there is worth anything
    std::vector<std::string> may_move;     // they hold a swap file or a swap volume beside data
    /// Devices that stand on those of `may_move` beside the swap: they can still be watched.
    std::vector<std::string> counted_instead;
    std::vector<std::string> warnings;
};

/// `counted` are the devices whose counters would be read if there were no swap.
SwapEffect effect_of_swap(const Inventory& inventory, const DeviceGraph& graph,
                          const std::vector<Superblock>& superblocks, const FootingFinder& footings,
                          const std::vector<std::string>& counted);

}  // namespace stillpoint
