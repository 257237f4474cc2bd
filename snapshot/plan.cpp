// SPDX-License-Identifier: Apache-2.0
#include "snapshot/plan.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "platform/device_graph.h"
#include "snapshot/coverage.h"
#include "snapshot/filesystem_kind.h"
#include "snapshot/footing.h"
#include "snapshot/hold_order.h"
#include "snapshot/mount_tree.h"
#include "snapshot/raid_members.h"
#include "snapshot/swap.h"

namespace stillpoint {
namespace {

template <class T, class U>
bool contains(const std::vector<T>& all, const U& one) {
    return std::ranges::find(all, one) != all.end();
}

template <class T>
void add_once(std::vector<T>& all, const T& one) {
    if (!contains(all, one)) {
        all.push_back(one);
    }
}

/// Why the disk is known not to be in the snapshot; empty: it is, or may be.
std::string why_not_snapshotted(const BlockDevice& disk, const HoldSelection& selection) {
    if (disk.place.resource_disk) {
        return "it lies on the resource disk '" + disk.name + "', which is never snapshotted";
    }
    if (disk.place.local) {
        return "it lies on the local disk '" + disk.name + "', which is never snapshotted";
    }
    if (disk.place.remote) {
        return "it lies on the remote disk '" + disk.name + "'";
    }
    if (!selection.luns.empty() && disk.place.lun && !contains(selection.luns, *disk.place.lun)) {
        return "it lies on the disk '" + disk.name + "' (LUN " + std::to_string(*disk.place.lun) +
               "), which is not in the snapshot";
    }
    return "";
}

std::string quoted(const Mount& mount) {
    return "'" + mount.mount_point + "' (" + mount.type + ")";
}

/// People write "/data/" for the mount table's "/data".
HoldSelection without_end_slashes(HoldSelection selection) {
    for (std::string& mount_point : selection.only_mounts) {
        while (mount_point.size() > 1 && mount_point.ends_with('/')) {
            mount_point.pop_back();
        }
    }
    return selection;
}

/// One planning, from the inventory to the plan; used once.
class Planner {
public:
    Planner(const Inventory& inventory, const HoldSelection& selection)
        : inventory_(inventory),
          selection_(without_end_slashes(selection)),
          graph_(inventory),
          superblocks_(superblocks_of(inventory, graph_)),
          finder_(inventory, graph_, superblocks_),
          tree_(inventory.mounts) {}

    Result<GuestPlan> run();

private:
    struct Verdict {
        std::string why_left_out;  // empty: it is held, or watched
        bool lowers_claim = false;
    };

    bool is_named(const Superblock& superblock) const;
    bool is_skipped(const Superblock& superblock);
    const Mount* exposed_mount(const Superblock& superblock) const;
    std::string why_elsewhere(const Footing& footing) const;
    Verdict judge(const Superblock& superblock, FilesystemKind kind, const Footing& footing);
    Verdict judge_storage(const Superblock& superblock, FilesystemKind kind,
                          const Footing& footing);
    void place(std::size_t position);
    void note_stack(const Superblock& superblock, const Footing& footing);
    void order();
    void count_devices();
    void note_coverage();
    std::optional<std::size_t> root() const;
    Error nothing_to_hold() const;

    const Inventory& inventory_;
    const HoldSelection selection_;
    DeviceGraph graph_;
    std::vector<Superblock> superblocks_;
    FootingFinder finder_;
    MountTree tree_;

    GuestPlan plan_;
    std::vector<Footing> footings_;
    std::vector<std::size_t> held_;
    std::vector<const BlockDevice*> extra_grounds_;  // under what is held or watched
    bool unknown_stack_ = false;
};

Result<GuestPlan> Planner::run() {
    plan_.warnings = inventory_.gaps;
    for (const std::string& mount_point : selection_.only_mounts) {
        const auto is_it = [&](const Mount& mount) {
            return mount.namespace_pid == 0 && mount.mount_point == mount_point;
        };
        if (std::ranges::none_of(inventory_.mounts, is_it)) {
            return fail(Code::mount_unknown, "nothing is mounted at '" + mount_point + "'");
        }
    }
    for (const Superblock& superblock : superblocks_) {
        footings_.push_back(finder_.of(superblock));
    }
    for (std::size_t position = 0; position < superblocks_.size(); ++position) {
        place(position);
    }
    if (!selection_.only_mounts.empty() && held_.empty()) {
        return nothing_to_hold();
    }
    order();
    count_devices();
    note_coverage();
    plan_.hold.only_devices = selection_.only_devices;
    return std::move(plan_);
}

bool Planner::is_named(const Superblock& superblock) const {
    return std::ranges::any_of(superblock.mounts, [&](const Mount* mount) {
        return mount->namespace_pid == 0 && contains(selection_.only_mounts, mount->mount_point);
    });
}

bool Planner::is_skipped(const Superblock& superblock) {
    for (const Mount* mount : superblock.mounts) {
        if (mount->namespace_pid != 0 || !contains(selection_.skip_mounts, mount->mount_point)) {
            continue;
        }
        if (mount->root == "/" || mount == &superblock.best_mount()) {
            return true;
        }
        plan_.warnings.push_back("'" + mount->mount_point +
                                 "' cannot be skipped alone: it is a part of '" +
                                 superblock.best_mount().mount_point + "'");
    }
    return false;
}

const Mount* Planner::exposed_mount(const Superblock& superblock) const {
    std::vector<const Mount*> mounts = superblock.mounts;
    std::ranges::stable_sort(
        mounts, [](const Mount* left, const Mount* right) { return is_better(*left, *right); });
    const auto found =
        std::ranges::find_if(mounts, [&](const Mount* mount) { return tree_.is_exposed(*mount); });
    return found == mounts.end() ? nullptr : *found;
}

std::string Planner::why_elsewhere(const Footing& footing) const {
    if (footing.unknown) {
        return "";
    }
    std::string why;
    for (const BlockDevice* ground : footing.grounds) {
        why = why_not_snapshotted(*ground, selection_);
        if (why.empty()) {
            return "";
        }
    }
    if (footing.grounds.empty() && footing.elsewhere) {
        return "its loop file lies in memory or on another machine";
    }
    return why;
}

Planner::Verdict Planner::judge(const Superblock& superblock, FilesystemKind kind,
                                const Footing& footing) {
    switch (kind) {
        case FilesystemKind::network:
            return {"it is a network filesystem: its data lies on another machine", false};
        case FilesystemKind::fuse:
            return {"it is a FUSE filesystem: it is never touched, its data lies elsewhere", false};
        case FilesystemKind::zfs:
            return superblock.is_read_only()
                       ? Verdict{"it is mounted read-only: nothing is written to it", false}
                       : Verdict{"ZFS cannot be frozen, and its disks are not known", true};
        case FilesystemKind::freezes:
        case FilesystemKind::only_synced:
        case FilesystemKind::clustered:
        case FilesystemKind::fuse_block:
        case FilesystemKind::pseudo:
            break;
    }
    return judge_storage(superblock, kind, footing);
}

Planner::Verdict Planner::judge_storage(const Superblock& superblock, FilesystemKind kind,
                                        const Footing& footing) {
    // Who names a mount wants it held wherever it lies.
    const std::string elsewhere = is_named(superblock) ? "" : why_elsewhere(footing);
    if (!elsewhere.empty()) {
        return {elsewhere, false};
    }
    if (superblock.is_read_only()) {
        return {"it is mounted read-only: nothing is written to it", false};
    }
    if (!selection_.only_mounts.empty() && !is_named(superblock)) {
        return {"it is not among the mounts to hold", true};
    }
    if (is_skipped(superblock)) {
        return {"MountsToSkip names it", true};
    }
    if (selection_.only_devices && !contains(*selection_.only_devices, superblock.device)) {
        return {"it is outside only_devices", true};
    }
    if (kind == FilesystemKind::clustered) {
        return {"it is a cluster filesystem: a freeze would stop every node", true};
    }
    if (kind == FilesystemKind::fuse_block) {
        return {"it is a FUSE filesystem on a block device: it is never touched", true};
    }
    if (exposed_mount(superblock) == nullptr) {
        return {"other mounts lie over it, so it cannot be opened", true};
    }
    return {};
}

void Planner::place(std::size_t position) {
    const Superblock& superblock = superblocks_[position];
    const Footing& footing = footings_[position];
    const Mount& best = superblock.best_mount();
    const FilesystemKind kind = kind_of(best);
    if (kind == FilesystemKind::pseudo) {
        ++plan_.pseudo_filesystems;
        return;
    }
    if (kind == FilesystemKind::zfs && !superblock.is_read_only()) {
        unknown_stack_ = true;
    }
    const Verdict verdict = judge(superblock, kind, footing);
    if (kind != FilesystemKind::network && kind != FilesystemKind::fuse &&
        kind != FilesystemKind::zfs && !superblock.is_read_only()) {
        note_stack(superblock, footing);
    }
    if (!verdict.why_left_out.empty()) {
        plan_.left_out.push_back({.device = superblock.device,
                                  .mount_point = best.mount_point,
                                  .type = best.type,
                                  .why = verdict.why_left_out,
                                  .lowers_claim = verdict.lowers_claim});
        return;
    }
    const Mount& mount = *exposed_mount(superblock);
    for (const BlockDevice* ground : footing.grounds) {
        if (is_named(superblock) || why_not_snapshotted(*ground, selection_).empty()) {
            add_once(extra_grounds_, ground);
        }
    }
    if (kind == FilesystemKind::freezes) {
        held_.push_back(position);
        plan_.hold.filesystems.push_back({.device = superblock.device,
                                          .mount_point = mount.mount_point,
                                          .type = mount.type,
                                          .mount_id = mount.id,
                                          .namespace_pid = mount.namespace_pid});
    } else {
        plan_.hold.watched.push_back({.device = superblock.device,
                                      .mount_point = mount.mount_point,
                                      .type = mount.type,
                                      .mount_id = mount.id,
                                      .namespace_pid = mount.namespace_pid,
                                      .block_devices = superblock.devices});
    }
}

void Planner::note_stack(const Superblock& superblock, const Footing& footing) {
    const auto in_snapshot = [&](const BlockDevice* ground) {
        return why_not_snapshotted(*ground, selection_).empty();
    };
    const auto inside = std::ranges::count_if(footing.grounds, in_snapshot);
    if (inside > 1) {
        plan_.stack_spans_disks = true;
    }
    if (inside > 0 && static_cast<std::size_t>(inside) < footing.grounds.size()) {
        plan_.warnings.push_back(quoted(superblock.best_mount()) +
                                 " lies only in part on disks that are in the snapshot");
    }
    if (footing.unknown) {
        unknown_stack_ = true;
        plan_.warnings.push_back("it is not known which disks " + quoted(superblock.best_mount()) +
                                 " lies on: it counts as snapshotted");
    }
}

std::optional<std::size_t> Planner::root() const {
    return finder_.holder_of("/");
}

void Planner::order() {
    std::optional<std::size_t> last = root();
    if (last && !contains(held_, *last)) {
        last.reset();
    }
    const std::vector<int> levels = levels_of(footings_, held_, last);
    std::vector<FilesystemToHold>& filesystems = plan_.hold.filesystems;
    for (std::size_t at = 0; at < filesystems.size(); ++at) {
        filesystems[at].level = levels[at];
    }
    std::ranges::stable_sort(filesystems, [](const auto& left, const auto& right) {
        return std::tie(left.level, left.namespace_pid, left.mount_point) <
               std::tie(right.level, right.namespace_pid, right.mount_point);
    });
}

void Planner::count_devices() {
    for (const BlockDevice& device : inventory_.devices) {
        // Who names mounts asks for their disks and no others.
        const bool plain_disk = selection_.only_mounts.empty() && device.kind == BlockKind::disk &&
                                device.size_bytes > 0 &&
                                why_not_snapshotted(device, selection_).empty();
        if (plain_disk || contains(extra_grounds_, &device)) {
            plan_.disks.push_back(device.name);
        }
    }
    std::vector<std::string> counted;
    for (const std::string& disk : plan_.disks) {
        for (const std::string& part : graph_.counted_parts(disk)) {
            add_once(counted, part);
        }
    }
    counted = count_arrays_for_members(graph_, counted);
    SwapEffect swap = effect_of_swap(inventory_, graph_, superblocks_, finder_, counted);
    std::erase_if(counted,
                  [&](const std::string& name) { return contains(swap.not_counted, name); });
    for (const std::string& name : swap.counted_instead) {
        add_once(counted, name);
    }
    plan_.hold.block_devices = std::move(counted);
    plan_.swap_file_devices = std::move(swap.may_move);
    std::ranges::move(swap.warnings, std::back_inserter(plan_.warnings));
    plan_.stack_spans_disks = plan_.stack_spans_disks || (unknown_stack_ && plan_.disks.size() > 1);
}

void Planner::note_coverage() {
    std::vector<std::string> frozen;
    for (const std::size_t position : held_) {
        std::ranges::copy(superblocks_[position].devices, std::back_inserter(frozen));
    }
    plan_.covered_devices = covered_devices(graph_, frozen, plan_.hold.block_devices);
    for (const std::string& name : plan_.hold.block_devices) {
        const BlockDevice* device = graph_.by_name(name);
        if (device != nullptr && !device->counters_on) {
            plan_.warnings.push_back("the kernel keeps no counters of '" + name +
                                     "' (queue/iostats is 0): " +
                                     (contains(plan_.covered_devices, name)
                                          ? "writes past its filesystem would not be noticed"
                                          : "its stillness cannot be proven"));
        }
    }
}

Error Planner::nothing_to_hold() const {
    std::string message = "none of the mounts asked for can be held";
    const char* separator = ": ";
    for (const Superblock& superblock : superblocks_) {
        if (!is_named(superblock)) {
            continue;
        }
        const auto left_out =
            std::ranges::find(plan_.left_out, superblock.device, &LeftOut::device);
        const FilesystemKind kind = kind_of(superblock.best_mount());
        std::string why = "its type cannot be frozen";
        if (left_out != plan_.left_out.end()) {
            why = left_out->why;
        } else if (kind == FilesystemKind::pseudo) {
            why = "it has no storage of its own";
        }
        message += separator + quoted(superblock.best_mount()) + ": " + why;
        separator = "; ";
    }
    return fail(Code::nothing_to_hold, message);
}

}  // namespace

Result<GuestPlan> plan_hold(const Inventory& inventory, const HoldSelection& selection) {
    return Planner(inventory, selection).run();
}

}  // namespace stillpoint
