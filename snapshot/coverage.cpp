// SPDX-License-Identifier: Apache-2.0
#include "snapshot/coverage.h"

#include <algorithm>
#include <iterator>

namespace stillpoint {
namespace {

// Nobody stacks more, and a broken table must not hang us.
constexpr int kMaxDepth = 16;

/// LVM's own layers (the pool under thin volumes, caches, the store of an old-style snapshot) have
/// a suffix behind the two identifiers of 32 letters: "LVM-<group><volume>-tpool".
/// Source: LVM2, lib/misc/lvm-string.c, build_dm_uuid().
bool writes_of_its_own_accord(const BlockDevice& device) {
    constexpr std::size_t kPlainVolume = 4 + 32 + 32;
    return device.kind == BlockKind::dm_other || device.kind == BlockKind::other ||
           (device.kind == BlockKind::dm_lvm && device.dm_uuid.size() > kPlainVolume);
}

}  // namespace

bool takes_all(const BlockDevice& upper) {
    return upper.kind != BlockKind::partition && !writes_of_its_own_accord(upper);
}

namespace {

bool is_covered(const DeviceGraph& graph, const std::vector<std::string>& frozen,
                const std::string& name, int depth) {
    const std::vector<const BlockDevice*> uppers = graph.above(name);
    if (uppers.empty()) {
        return std::ranges::find(frozen, name) != frozen.end();
    }
    return depth < kMaxDepth && std::ranges::all_of(uppers, [&](const BlockDevice* upper) {
               return takes_all(*upper) && is_covered(graph, frozen, upper->name, depth + 1);
           });
}

}  // namespace

std::vector<std::string> covered_devices(const DeviceGraph& graph,
                                         const std::vector<std::string>& frozen,
                                         const std::vector<std::string>& counted) {
    std::vector<std::string> covered;
    std::ranges::copy_if(counted, std::back_inserter(covered), [&](const std::string& name) {
        return is_covered(graph, frozen, name, 0);
    });
    return covered;
}

}  // namespace stillpoint
