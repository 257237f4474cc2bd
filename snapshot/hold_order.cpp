// SPDX-License-Identifier: Apache-2.0
#include "snapshot/hold_order.h"

#include <algorithm>

namespace stillpoint {
namespace {

/// Raises every carrier above what it carries. A cycle cannot be; if a table shows one, the number
/// of rounds ends it.
void raise_carriers(const std::vector<Footing>& footings, std::vector<int>& level) {
    for (std::size_t round = 0; round < footings.size(); ++round) {
        bool changed = false;
        for (std::size_t upper = 0; upper < footings.size(); ++upper) {
            for (const std::size_t carrier : footings[upper].carriers) {
                if (carrier != upper && level[carrier] <= level[upper]) {
                    level[carrier] = level[upper] + 1;
                    changed = true;
                }
            }
        }
        if (!changed) {
            return;
        }
    }
}

}  // namespace

std::vector<int> levels_of(const std::vector<Footing>& footings,
                           const std::vector<std::size_t>& held, std::optional<std::size_t> root) {
    std::vector<int> level(footings.size(), 0);
    raise_carriers(footings, level);

    int above_loops = 0;
    for (const std::size_t one : held) {
        if (footings[one].on_loop) {
            above_loops = std::max(above_loops, level[one] + 1);
        }
    }
    for (const std::size_t one : held) {
        if (!footings[one].on_loop) {
            level[one] = std::max(level[one], above_loops);
        }
    }
    if (root) {
        for (const std::size_t one : held) {
            if (one != *root) {
                level[*root] = std::max(level[*root], level[one] + 1);
            }
        }
    }
    // Whatever carries root itself comes after root.
    raise_carriers(footings, level);

    // Only the order matters: no empty levels.
    std::vector<int> used;
    for (const std::size_t one : held) {
        used.push_back(level[one]);
    }
    std::ranges::sort(used);
    // Not ranges::unique: clang 14 cannot compile the subrange of libstdc++ 12.
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::vector<int> levels;
    for (const std::size_t one : held) {
        levels.push_back(
            static_cast<int>(std::ranges::lower_bound(used, level[one]) - used.begin()));
    }
    return levels;
}

}  // namespace stillpoint
