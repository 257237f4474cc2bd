// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "platform/inventory.h"

namespace stillpoint {

/// Which mount lies on which, to tell what an open() of a mount point would find.
class MountTree {
public:
    explicit MountTree(const std::vector<Mount>& mounts);

    /// False: another mount lies over `mount` or over a folder above it, so its mount point leads
    /// elsewhere. `mount` must be one of those the tree was built from.
    bool is_exposed(const Mount& mount) const;

    /// The mounts that a walk to it passes, itself first, the one at the top of its namespace last
    /// (if that one is among those the tree was built from).
    std::vector<const Mount*> way_to(const Mount& mount) const;

private:
    const std::vector<const Mount*>& on(int id) const;

    std::map<int, const Mount*> by_id_;
    std::map<int, std::vector<const Mount*>> children_;
};

}  // namespace stillpoint
