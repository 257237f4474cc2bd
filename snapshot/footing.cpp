// SPDX-License-Identifier: Apache-2.0
#include "snapshot/footing.h"

#include <algorithm>

#include "snapshot/filesystem_kind.h"

namespace stillpoint {
namespace {

// Loops in loops, overlays on overlays: nobody stacks more, and a broken table must not hang us.
constexpr int kMaxDepth = 8;

constexpr std::string_view kDeleted = " (deleted)";

template <class T>
void add_once(std::vector<T>& all, T one) {
    if (std::ranges::find(all, one) == all.end()) {
        all.push_back(one);
    }
}

}  // namespace

std::optional<std::size_t> FootingFinder::holder_of(std::string_view path) const {
    if (path.ends_with(kDeleted)) {
        path.remove_suffix(kDeleted.size());
    }
    for (int depth = 0; depth < kMaxDepth && path.starts_with('/'); ++depth) {
        const Mount* mount = mount_of(path, inventory_);
        if (mount == nullptr) {
            return std::nullopt;
        }
        const std::string_view upper = mount->type == "overlay"
                                           ? option_value(mount->super_options, "upperdir")
                                           : std::string_view();
        if (upper.empty()) {
            const auto found = std::ranges::find(superblocks_, mount->device, &Superblock::device);
            return static_cast<std::size_t>(found - superblocks_.begin());
        }
        path = upper;
    }
    return std::nullopt;
}

Footing FootingFinder::of(const Superblock& superblock) const {
    Footing footing;
    if (superblock.devices.empty()) {
        footing.unknown = true;
    }
    follow(superblock.devices, footing, 0);
    return footing;
}

void FootingFinder::follow(const std::vector<std::string>& devices, Footing& footing,
                           int depth) const {
    for (const BlockDevice* device : graph_.beneath(devices)) {
        for (const std::string& below : device->below) {
            footing.unknown = footing.unknown || graph_.by_name(below) == nullptr;
        }
        if (device->kind == BlockKind::loop) {
            follow_loop(*device, footing, depth);
        } else if (device->below.empty()) {
            add_once(footing.grounds, device);
        }
    }
}

void FootingFinder::follow_loop(const BlockDevice& loop, Footing& footing, int depth) const {
    footing.on_loop = true;
    const auto holder = holder_of(loop.backing_file);
    if (!holder || depth >= kMaxDepth) {
        add_once(footing.grounds, &loop);
        return;
    }
    add_once(footing.carriers, *holder);
    const Superblock& carrier = superblocks_[*holder];
    const Mount& mount = *carrier.mounts.front();
    const FilesystemKind kind = kind_of(mount);
    if (kind == FilesystemKind::network || kind == FilesystemKind::fuse || mount.type == "tmpfs" ||
        mount.type == "ramfs") {
        footing.elsewhere = true;
        return;
    }
    if (carrier.devices.empty()) {
        add_once(footing.grounds, &loop);
        return;
    }
    follow(carrier.devices, footing, depth + 1);
}

}  // namespace stillpoint
