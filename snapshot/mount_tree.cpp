// SPDX-License-Identifier: Apache-2.0
#include "snapshot/mount_tree.h"

#include <algorithm>

#include "platform/device_graph.h"

namespace stillpoint {
namespace {

constexpr std::size_t kMaxDepth = 256;  // parents in a broken table may form a ring

}  // namespace

MountTree::MountTree(const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
        by_id_.emplace(mount.id, &mount);
        if (mount.id != mount.parent_id) {
            children_[mount.parent_id].push_back(&mount);
        }
    }
}

const std::vector<const Mount*>& MountTree::on(int id) const {
    static const std::vector<const Mount*> kNone;
    const auto found = children_.find(id);
    return found == children_.end() ? kNone : found->second;
}

bool MountTree::is_exposed(const Mount& mount) const {
    const auto covers_whole = [&](const Mount* upper) {
        return upper->mount_point == mount.mount_point;
    };
    if (std::ranges::any_of(on(mount.id), covers_whole)) {
        return false;
    }
    const Mount* at = &mount;
    for (std::size_t depth = 0; depth < kMaxDepth; ++depth) {
        const auto covers = [&](const Mount* sibling) {
            // Two on the very same place: the later one is on top.
            return sibling != at && is_within(at->mount_point, sibling->mount_point) &&
                   (sibling->mount_point != at->mount_point || sibling > at);
        };
        if (std::ranges::any_of(on(at->parent_id), covers)) {
            return false;
        }
        const auto parent = by_id_.find(at->parent_id);
        if (parent == by_id_.end() || parent->second == at) {
            return true;
        }
        at = parent->second;
    }
    return true;
}

std::vector<const Mount*> MountTree::way_to(const Mount& mount) const {
    std::vector<const Mount*> way = {&mount};
    while (way.size() < kMaxDepth) {
        const auto parent = by_id_.find(way.back()->parent_id);
        if (parent == by_id_.end() || parent->second == way.back()) {
            break;
        }
        way.push_back(parent->second);
    }
    return way;
}

}  // namespace stillpoint
