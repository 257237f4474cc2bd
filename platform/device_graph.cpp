// SPDX-License-Identifier: Apache-2.0
#include "platform/device_graph.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace stillpoint {
namespace {

/// LVM's name in /dev/mapper for /dev/GROUP/VOLUME: a hyphen within a name is doubled.
std::string mapper_name(std::string_view group_and_volume) {
    std::string name;
    for (const char letter : group_and_volume) {
        name += letter == '/' ? "-" : letter == '-' ? "--" : std::string(1, letter);
    }
    return name;
}

/// The devices of a filesystem that has a device number of its own: by one device's path in its
/// source ("/dev/sdc", or bcachefs' "/dev/sdc:/dev/sdd").
std::vector<std::string> devices_by_source(const Mount& mount, const Inventory& inventory,
                                           const DeviceGraph& graph) {
    std::vector<std::string> devices;
    std::string_view rest = mount.source;
    while (!rest.empty()) {
        const std::size_t end = rest.find(':');
        if (const BlockDevice* device = graph.by_path(rest.substr(0, end))) {
            devices.push_back(device->name);
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    for (const BtrfsFilesystem& filesystem : inventory.btrfs) {
        if (mount.type == "btrfs" && !devices.empty() &&
            std::ranges::find(filesystem.devices, devices.front()) != filesystem.devices.end()) {
            return filesystem.devices;
        }
    }
    return devices;
}

/// A btrfs whose source says nothing ("/dev/root") is the one that nobody else is, if just one of
/// each is left.
void match_last_btrfs(std::vector<Superblock>& superblocks, const Inventory& inventory) {
    std::vector<Superblock*> nameless;
    std::set<std::string> taken;
    for (Superblock& superblock : superblocks) {
        if (superblock.mounts.front()->type == "btrfs") {
            taken.insert(superblock.devices.begin(), superblock.devices.end());
            if (superblock.devices.empty()) {
                nameless.push_back(&superblock);
            }
        }
    }
    std::vector<const BtrfsFilesystem*> left;
    for (const BtrfsFilesystem& filesystem : inventory.btrfs) {
        if (!filesystem.devices.empty() && !taken.contains(filesystem.devices.front())) {
            left.push_back(&filesystem);
        }
    }
    if (nameless.size() == 1 && left.size() == 1) {
        nameless.front()->devices = left.front()->devices;
    }
}

}  // namespace

DeviceGraph::DeviceGraph(const Inventory& inventory) {
    for (const BlockDevice& device : inventory.devices) {
        by_name_.emplace(device.name, &device);
        by_number_.emplace(device.number, &device);
        for (const std::string& below : device.below) {
            above_[below].push_back(&device);
        }
    }
}

const BlockDevice* DeviceGraph::by_name(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

const BlockDevice* DeviceGraph::by_number(DeviceNumber number) const {
    const auto found = by_number_.find(number);
    return found == by_number_.end() ? nullptr : found->second;
}

const BlockDevice* DeviceGraph::by_path(std::string_view path) const {
    constexpr std::string_view kDev = "/dev/";
    constexpr std::string_view kMapper = "/dev/mapper/";
    if (!path.starts_with(kDev)) {
        return nullptr;
    }
    const std::string_view name = path.substr(kDev.size());
    if (const BlockDevice* device = by_name(name)) {
        return device;
    }
    const std::string dm_name =
        path.starts_with(kMapper) ? std::string(path.substr(kMapper.size())) : mapper_name(name);
    for (const auto& [unused, device] : by_name_) {
        if (!device->dm_name.empty() && device->dm_name == dm_name) {
            return device;
        }
    }
    return nullptr;
}

std::vector<const BlockDevice*> DeviceGraph::beneath(const std::vector<std::string>& names) const {
    std::vector<const BlockDevice*> found;
    std::set<std::string_view> seen;
    std::vector<std::string_view> left(names.rbegin(), names.rend());
    while (!left.empty()) {
        const std::string_view name = left.back();
        left.pop_back();
        const BlockDevice* device = by_name(name);
        if (device != nullptr && seen.insert(name).second) {
            found.push_back(device);
            left.insert(left.end(), device->below.rbegin(), device->below.rend());
        }
    }
    return found;
}

std::vector<const BlockDevice*> DeviceGraph::above(std::string_view name) const {
    const auto found = above_.find(name);
    return found == above_.end() ? std::vector<const BlockDevice*>() : found->second;
}

std::vector<std::string> DeviceGraph::counted_parts(const std::string& disk) const {
    std::vector<std::string> parts;
    for (const BlockDevice* device : above(disk)) {
        if (device->kind == BlockKind::partition) {
            parts.push_back(device->name);
        }
    }
    return parts.empty() ? std::vector<std::string>{disk} : parts;
}

bool is_better(const Mount& left, const Mount& right) {
    const auto rank = [](const Mount& mount) {
        return std::tuple(mount.namespace_pid, mount.root != "/", mount.mount_point.size());
    };
    return rank(left) < rank(right);
}

const Mount& Superblock::best_mount() const {
    const Mount* best = mounts.front();
    for (const Mount* mount : mounts) {
        best = is_better(*mount, *best) ? mount : best;
    }
    return *best;
}

bool Superblock::is_read_only() const {
    const std::string& options = mounts.front()->super_options;
    return options == "ro" || options.starts_with("ro,");
}

std::vector<Superblock> superblocks_of(const Inventory& inventory, const DeviceGraph& graph) {
    std::vector<Superblock> superblocks;
    std::map<DeviceNumber, std::size_t> position;
    for (const Mount& mount : inventory.mounts) {
        const auto [at, is_new] = position.emplace(mount.device, superblocks.size());
        if (is_new) {
            superblocks.push_back({.device = mount.device, .mounts = {}, .devices = {}});
        }
        superblocks[at->second].mounts.push_back(&mount);
    }
    for (Superblock& superblock : superblocks) {
        if (superblock.device.major != 0) {
            if (const BlockDevice* device = graph.by_number(superblock.device)) {
                superblock.devices = {device->name};
            }
        } else {
            superblock.devices = devices_by_source(*superblock.mounts.front(), inventory, graph);
        }
    }
    match_last_btrfs(superblocks, inventory);
    return superblocks;
}

bool is_within(std::string_view path, std::string_view folder) {
    return folder == "/" || (path.starts_with(folder) &&
                             (path.size() == folder.size() || path[folder.size()] == '/'));
}

const Mount* mount_of(std::string_view path, const Inventory& inventory) {
    const Mount* found = nullptr;
    for (const Mount& mount : inventory.mounts) {
        // Of several on one place the last one is on top.
        if (mount.namespace_pid == 0 && is_within(path, mount.mount_point) &&
            (found == nullptr || mount.mount_point.size() >= found->mount_point.size())) {
            found = &mount;
        }
    }
    return found;
}

bool is_local(const Mount& mount) {
    // Those on a block device, but for the ones that another process or other machines serve, and
    // those of the kernel that have a device number of their own.
    constexpr std::array<std::string_view, 4> kServed = {"fuseblk", "gfs2", "ocfs2", "lustre"};
    constexpr std::array<std::string_view, 7> kOwnNumber = {"btrfs", "bcachefs", "zfs",  "overlay",
                                                            "tmpfs", "devtmpfs", "ramfs"};
    return mount.device.major != 0 ? std::ranges::find(kServed, mount.type) == kServed.end()
                                   : std::ranges::find(kOwnNumber, mount.type) != kOwnNumber.end();
}

std::string_view option_value(std::string_view options, std::string_view name) {
    while (!options.empty()) {
        const std::size_t end = options.find(',');
        const std::string_view option = options.substr(0, end);
        if (option.size() > name.size() && option.starts_with(name) && option[name.size()] == '=') {
            return option.substr(name.size() + 1);
        }
        options.remove_prefix(end == std::string_view::npos ? options.size() : end + 1);
    }
    return {};
}

}  // namespace stillpoint
