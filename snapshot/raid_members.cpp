// SPDX-License-Identifier: Apache-2.0
#include "snapshot/raid_members.h"

#include <algorithm>

#include "snapshot/coverage.h"

namespace stillpoint {
namespace {

// Nobody stacks more, and a broken table must not hang us.
constexpr int kMaxDepth = 16;

/// Adds the arrays that `name` belongs to; false: something else lies there as well.
bool collect_arrays(const DeviceGraph& graph, const std::string& name, int depth,
                    std::vector<std::string>& arrays) {
    const std::vector<const BlockDevice*> uppers = graph.above(name);
    return !uppers.empty() && depth < kMaxDepth &&
           std::ranges::all_of(uppers, [&](const BlockDevice* upper) {
               if (upper->kind == BlockKind::md) {
                   arrays.push_back(upper->name);
                   return upper->raid_activity != "reshape";
               }
               return takes_all(*upper) && collect_arrays(graph, upper->name, depth + 1, arrays);
           });
}

}  // namespace

std::vector<std::string> count_arrays_for_members(const DeviceGraph& graph,
                                                  const std::vector<std::string>& counted) {
    std::vector<std::string> result;
    const auto add = [&](const std::string& name) {
        if (std::ranges::find(result, name) == result.end()) {
            result.push_back(name);
        }
    };
    for (const std::string& name : counted) {
        std::vector<std::string> arrays;
        if (collect_arrays(graph, name, 0, arrays)) {
            std::ranges::for_each(arrays, add);
        } else {
            add(name);
        }
    }
    return result;
}

}  // namespace stillpoint
