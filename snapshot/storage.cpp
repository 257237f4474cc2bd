// SPDX-License-Identifier: Apache-2.0
#include "snapshot/storage.h"

#include <algorithm>

#include "platform/device_graph.h"
#include "snapshot/filesystem_kind.h"
#include "snapshot/footing.h"
#include "snapshot/mount_tree.h"

namespace stillpoint {
namespace {

constexpr std::uint64_t kLargestDiskBytes = std::uint64_t{1} << 40;

bool may_hang(const Mount& mount) {
    switch (kind_of(mount)) {
        case FilesystemKind::network:
        case FilesystemKind::fuse:
        case FilesystemKind::fuse_block:
        case FilesystemKind::clustered:
            return true;
        case FilesystemKind::freezes:
        case FilesystemKind::only_synced:
        case FilesystemKind::zfs:
        case FilesystemKind::pseudo:
            return false;
    }
    return true;
}

bool is_in_memory(const BlockDevice& device) {
    return !device.place.lun && (device.name.starts_with("zram") || device.name.starts_with("ram"));
}

class StoragePlanner {
public:
    StoragePlanner(const Inventory& inventory, const BackupRequest& request)
        : inventory_(inventory),
          request_(request),
          graph_(inventory),
          superblocks_(superblocks_of(inventory, graph_)),
          finder_(inventory, graph_, superblocks_),
          tree_(inventory.mounts),
          root_(finder_.holder_of("/")) {}

    StoragePlan run() {
        for (std::size_t position = 0; position < superblocks_.size(); ++position) {
            place(position);
        }
        plan_.partitions +=
            static_cast<int>(std::ranges::count(inventory_.swaps, false, &SwapArea::file));
        if (!request_.luns.empty()) {
            plan_.cap_bytes = request_.luns.size() * kLargestDiskBytes;
        }
        return std::move(plan_);
    }

private:
    void place(std::size_t position) {
        const Superblock& superblock = superblocks_[position];
        const Mount& best = superblock.best_mount();
        const FilesystemKind kind = kind_of(best);
        plan_.network_mounted = plan_.network_mounted || kind == FilesystemKind::network;
        const bool on_devices =
            kind == FilesystemKind::freezes || kind == FilesystemKind::only_synced;
        if (!on_devices || superblock.devices.empty()) {
            return;
        }
        plan_.partitions += kind == FilesystemKind::freezes ? 1 : 0;
        const std::optional<StorageUse> use = use_of(position);
        if (!use) {
            return;
        }
        if (const Mount* mount = reachable_mount(superblock)) {
            plan_.filesystems.push_back({.device = superblock.device,
                                         .mount_point = mount->mount_point,
                                         .mount_id = mount->id,
                                         .namespace_pid = mount->namespace_pid,
                                         .use = *use});
        } else if (*use == StorageUse::counted && best.namespace_pid == 0) {
            plan_.unreachable.push_back(best.mount_point);
        }
    }

    /// No value: nothing there is worth a number.
    std::optional<StorageUse> use_of(std::size_t position) const {
        const Superblock& superblock = superblocks_[position];
        const std::string& type = superblock.mounts.front()->type;
        if (type == "iso9660" || type == "udf") {
            return std::nullopt;  // a medium, no disk
        }
        if (request_.only_os_disk && position != root_) {
            return std::nullopt;
        }
        // A loop or memory device that an administrator gave a LUN is a disk.
        if (const BlockDevice* disk = graph_.by_name(superblock.devices.front());
            disk != nullptr && disk->place.lun) {
            return is_listed(*disk) ? std::optional(StorageUse::counted) : std::nullopt;
        }
        const Footing footing = finder_.of(superblock);
        if (footing.on_loop) {
            return StorageUse::loop;
        }
        if (std::ranges::any_of(footing.grounds, [](const BlockDevice* ground) {
                return ground->place.remote || is_in_memory(*ground);
            })) {
            return std::nullopt;
        }
        if (std::ranges::any_of(footing.grounds, [](const BlockDevice* ground) {
                return ground->place.resource_disk || ground->place.local;
            })) {
            return StorageUse::temporary;
        }
        const bool listed = std::ranges::all_of(
            footing.grounds, [&](const BlockDevice* ground) { return is_listed(*ground); });
        return listed ? std::optional(StorageUse::counted) : std::nullopt;
    }

    bool is_listed(const BlockDevice& disk) const {
        const bool selective = request_.any_disk_excluded && !request_.luns.empty();
        return !selective || !disk.place.lun ||
               std::ranges::find(request_.luns, *disk.place.lun) != request_.luns.end();
    }

    const Mount* reachable_mount(const Superblock& superblock) const {
        std::vector<const Mount*> mounts = superblock.mounts;
        std::ranges::stable_sort(
            mounts, [](const Mount* left, const Mount* right) { return is_better(*left, *right); });
        const auto found = std::ranges::find_if(mounts, [&](const Mount* mount) {
            const std::vector<const Mount*> way = tree_.way_to(*mount);
            return tree_.is_exposed(*mount) && !way.empty() && way.back()->mount_point == "/" &&
                   std::ranges::none_of(way, [](const Mount* one) { return may_hang(*one); });
        });
        return found == mounts.end() ? nullptr : *found;
    }

    const Inventory& inventory_;
    const BackupRequest& request_;
    DeviceGraph graph_;
    std::vector<Superblock> superblocks_;
    FootingFinder finder_;
    MountTree tree_;
    std::optional<std::size_t> root_;
    StoragePlan plan_;
};

}  // namespace

StoragePlan plan_storage(const Inventory& inventory, const BackupRequest& request) {
    return StoragePlanner(inventory, request).run();
}

StorageFacts measure_storage(
    const StoragePlan& plan,
    const std::function<std::optional<std::uint64_t>(const FilesystemToMeasure&)>& used_bytes) {
    StorageFacts facts;
    facts.partitions = plan.partitions;
    facts.network_mounted = plan.network_mounted;
    facts.failed = !plan.unreachable.empty();
    for (const FilesystemToMeasure& one : plan.filesystems) {
        const std::optional<std::uint64_t> used = used_bytes(one);
        switch (one.use) {
            case StorageUse::counted:
                facts.failed = facts.failed || (!used && one.namespace_pid == 0);
                facts.used_bytes += used.value_or(0);
                break;
            case StorageUse::temporary:
                facts.temporary_bytes += used.value_or(0);
                break;
            case StorageUse::loop:
                facts.loop_bytes += used.value_or(0);
                break;
        }
    }
    facts.used_bytes = std::min(facts.used_bytes, plan.cap_bytes.value_or(facts.used_bytes));
    return facts;
}

}  // namespace stillpoint
