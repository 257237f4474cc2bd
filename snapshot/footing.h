// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/device_graph.h"
#include "platform/inventory.h"

namespace stillpoint {

/// What a mounted filesystem finally stands on.
struct Footing {
    /// The devices at the bottom, each once, loop files followed: whole disks, or a device whose
    /// own ground is not known (zram, a loop device whose file is not found).
    std::vector<const BlockDevice*> grounds;
    /// The filesystems that carry its loop files: positions in the list of superblocks.
    std::vector<std::size_t> carriers;
    bool on_loop = false;
    /// A loop file lies in memory, on a network filesystem or behind FUSE.
    bool elsewhere = false;
    /// Something beneath is in no list: it must be taken for lying on a snapshotted disk.
    bool unknown = false;
};

/// Finds footings. Refers to what it is given.
class FootingFinder {
public:
    FootingFinder(const Inventory& inventory, const DeviceGraph& graph,
                  const std::vector<Superblock>& superblocks)
        : inventory_(inventory), graph_(graph), superblocks_(superblocks) {}

    Footing of(const Superblock& superblock) const;

    /// The filesystem that holds `path` of our namespace, by its longest mount point; below an
    /// overlay, the one that takes its writes. Nothing is looked up, so a link in the path can
    /// mislead: the order of freezing must not depend on this alone.
    std::optional<std::size_t> holder_of(std::string_view path) const;

private:
    void follow(const std::vector<std::string>& devices, Footing& footing, int depth) const;
    void follow_loop(const BlockDevice& loop, Footing& footing, int depth) const;

    const Inventory& inventory_;
    const DeviceGraph& graph_;
    const std::vector<Superblock>& superblocks_;
};

}  // namespace stillpoint
