// SPDX-License-Identifier: Apache-2.0
#include "snapshot/swap.h"

#include <algorithm>
#include <set>

namespace stillpoint {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

void add_once(std::vector<std::string>& names, const std::string& name) {
    if (!contains(names, name)) {
        names.push_back(name);
    }
}

/// The devices above `name` on which nothing else stands.
std::vector<std::string> tops_above(const DeviceGraph& graph, const std::string& name) {
    std::vector<std::string> tops;
    std::set<std::string> seen;
    std::vector<std::string> left = {name};
    while (!left.empty()) {
        const std::string at = left.back();
        left.pop_back();
        const auto above = graph.above(at);
        if (above.empty() && at != name) {
            tops.push_back(at);
        }
        for (const BlockDevice* device : above) {
            if (seen.insert(device->name).second) {
                left.push_back(device->name);
            }
        }
    }
    std::ranges::sort(tops);
    return tops;
}

}  // namespace

SwapEffect effect_of_swap(const Inventory& inventory, const DeviceGraph& graph,
                          const std::vector<Superblock>& superblocks, const FootingFinder& footings,
                          const std::vector<std::string>& counted) {
    SwapEffect effect;
    std::vector<std::string> swapped;  // the devices that the swap areas lie on directly
    for (const SwapArea& area : inventory.swaps) {
        if (!area.file) {
            if (const BlockDevice* device = graph.by_path(area.path)) {
                swapped.push_back(device->name);
                if (contains(counted, device->name)) {
                    effect.not_counted.push_back(device->name);
                }
            }
        } else if (const auto holder = footings.holder_of(area.path)) {
            for (const std::string& device : superblocks[*holder].devices) {
                swapped.push_back(device);
                if (contains(counted, device)) {
                    add_once(effect.may_move, device);
                }
            }
        } else {
            effect.warnings.push_back("the filesystem of the swap file '" + area.path +
                                      "' was not found: its writes may lower the claim");
        }
    }
    for (const BlockDevice* device : graph.beneath(swapped)) {
        if (contains(counted, device->name) && !contains(swapped, device->name)) {
            add_once(effect.may_move, device->name);
        }
    }
    for (const std::string& device : effect.may_move) {
        for (const std::string& top : tops_above(graph, device)) {
            if (!contains(swapped, top)) {
                add_once(effect.counted_instead, top);
            }
        }
    }
    return effect;
}

}  // namespace stillpoint
