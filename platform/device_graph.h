// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "platform/inventory.h"

namespace stillpoint {

/// Which block device stands on which. Refers to the inventory it was built from.
class DeviceGraph {
public:
    explicit DeviceGraph(const Inventory& inventory);

    /// Null when there is none.
    const BlockDevice* by_name(std::string_view name) const;
    const BlockDevice* by_number(DeviceNumber number) const;
    /// By a mount's source: "/dev/sda1", "/dev/dm-3", "/dev/mapper/vg-data", "/dev/vg/data".
    const BlockDevice* by_path(std::string_view path) const;

    /// `names` and everything beneath them, each once; a loop device's backing file is not
    /// followed.
    std::vector<const BlockDevice*> beneath(const std::vector<std::string>& names) const;
    /// What stands directly on `name`.
    std::vector<const BlockDevice*> above(std::string_view name) const;

    /// The partitions of a whole disk; itself when it has none.
    std::vector<std::string> counted_parts(const std::string& disk) const;

private:
    std::map<std::string, const BlockDevice*, std::less<>> by_name_;
    std::map<DeviceNumber, const BlockDevice*> by_number_;
    std::map<std::string, std::vector<const BlockDevice*>, std::less<>> above_;
};

/// One mounted filesystem, with all its mounts.
struct Superblock {
    DeviceNumber device;
    std::vector<const Mount*>
        mounts;  // never empty; our own namespace's first, as they were listed
    std::vector<std::string> devices;  // the block devices directly beneath; empty: none or unknown

    /// The one to name it by: our own namespace before others, the whole before a part, the
    /// shortest path.
    const Mount& best_mount() const;
    bool is_read_only() const;
};

/// The mounted filesystems, in the order of the mount table.
std::vector<Superblock> superblocks_of(const Inventory& inventory, const DeviceGraph& graph);

/// Whether one mount is to be preferred to another: see Superblock::best_mount().
bool is_better(const Mount& left, const Mount& right);

/// `path` is `folder` or lies below it.
bool is_within(std::string_view path, std::string_view folder);

/// The mount of our own namespace that a path lies on, symbolic links aside; null: none is known.
const Mount* mount_of(std::string_view path, const Inventory& inventory);

/// Whether no other machine and no user's process serves it, so that looking at it cannot hang.
bool is_local(const Mount& mount);

/// The value of "upperdir" and the like in a mount's options; empty when there is none.
std::string_view option_value(std::string_view options, std::string_view name);

}  // namespace stillpoint
