// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/format.h"
#include "platform/device_graph.h"
#include "restore/key_path.h"
#include "restore/storage.h"

namespace stillpoint {
namespace {

class MountPlanner {
public:
    MountPlanner(const RestoreFacts& facts, const RestoreChoices& choices,
                 const std::vector<ChosenVolume>& volumes, RestorePlan& plan)
        : facts_(facts), choices_(choices), plan_(plan) {
        for (const ChosenVolume& volume : volumes) {
            for (const RestoreDevice* device : all_of(facts, volume)) {
                ours_[device].push_back(volume.wanted.name);
            }
        }
    }

    void add(const ChosenVolume& volume) {
        for (const WantedMount& mount : wanted_mounts(facts_, volume)) {
            if (done_.insert(mount.mount_point).second) {
                steps_.push_back({under_root(facts_, mount.mount_point), &volume, mount});
            }
        }
    }

    /// One that stays closed: what lies inside its mounts has to wait for them.
    void add_left(const ChosenVolume& volume) {
        for (const WantedMount& mount : wanted_mounts(facts_, volume)) {
            wait_for(mount.mount_point, false);
        }
        const EncryptedVolume* recorded = volume.wanted.recorded;
        if (recorded != nullptr && !recorded->mounts.empty()) {
            return;
        }
        // Which filesystems it holds is not known: what fstab names and is not here may be in it.
        for (const FstabEntry& line : parse_fstab(facts_.fstab.text.value_or("")).entries()) {
            if (is_of_data_disk(line) && device_named(facts_, line.source) == nullptr) {
                wait_for(line.mount_point, more_comes_to_light());
            }
        }
    }

    void plan() {
        // The outer ones first.
        std::ranges::stable_sort(
            steps_, [](const Due& left, const Due& right) { return left.target < right.target; });
        for (const Due& due : steps_) {
            volume_ = due.volume->wanted.name;
            const std::size_t left = plan_.left.size();
            const std::size_t steps = plan_.steps.size();
            plan_one(*due.volume, due.mount, due.target);
            if (plan_.left.size() > left) {
                waiting_[due.target] = false;
            } else if (plan_.steps.size() > steps && plan_.steps.back().later) {
                waiting_[due.target] = true;
            } else {
                waiting_.erase(due.target);
            }
        }
    }

private:
    struct Due {
        std::string target;
        const ChosenVolume* volume;
        WantedMount mount;
    };

    void wait_for(const std::string& mount_point, bool comes) {
        const std::string target = under_root(facts_, mount_point);
        if (mounted_at(target) == nullptr) {
            waiting_.emplace(target, comes);
        }
    }

    /// Logical volumes are seen when their group is activated.
    bool more_comes_to_light() const {
        return std::ranges::any_of(plan_.steps, [](const RestoreStep& step) {
            return std::holds_alternative<ActivateVolumeGroup>(step.action) ||
                   std::holds_alternative<RenameVolumeGroup>(step.action);
        });
    }

    /// The place around this one where nothing is mounted yet: what is mounted there later would
    /// cover what is mounted here now. Empty: there is none.
    std::string waits_for(const std::string& target, bool later) const {
        for (const auto& [outer, comes] : waiting_) {
            if (comes == later && outer != target && is_within(target, outer)) {
                return outer;
            }
        }
        return "";
    }

    /// What mounting something here would cover; empty: nothing.
    std::string covered_by(const std::string& target) const {
        for (const Mount& mount : facts_.mounts) {
            if (mount.mount_point != target && is_within(mount.mount_point, target)) {
                return mount.mount_point;
            }
        }
        return "";
    }

    void leave(const WantedMount& mount, Code code, std::string why,
               Permission permission = Permission::none, std::string does = "") {
        plan_.left.push_back({under_root(facts_, mount.mount_point), code, std::move(why),
                              permission, std::move(does)});
    }

    const RestoreDevice* source_of(const ChosenVolume& volume, const WantedMount& mount) const {
        const std::vector<const RestoreDevice*> all = all_of(facts_, volume);
        const RestoreDevice* named = device_named(facts_, mount.source);
        if (named != nullptr && std::ranges::find(all, named) != all.end()) {
            return named;
        }
        // By UUID there may be two: the original's is not meant.
        for (const RestoreDevice* device : all) {
            if (!mount.uuid.empty() && device->content.uuid == mount.uuid) {
                return device;
            }
        }
        return nullptr;
    }

    bool is_mounted_there(const RestoreDevice& device, const Mount& mount) const {
        return mount.device == device.block.number || device_at(facts_, mount.source) == &device;
    }

    /// The uppermost mount on a path; null: nothing is mounted there.
    const Mount* mounted_at(const std::string& path) const {
        const Mount* found = nullptr;
        for (const Mount& mount : facts_.mounts) {
            if (mount.mount_point == path) {
                found = &mount;
            }
        }
        return found;
    }

    /// Another device with the same filesystem: an original beside its copy. The devices of one
    /// btrfs have one UUID.
    const RestoreDevice* double_of(const RestoreDevice& device) const {
        for (const RestoreDevice& other : facts_.devices) {
            const bool stacked =
                std::ranges::find(device.block.below, other.block.name) !=
                    device.block.below.end() ||
                std::ranges::find(other.block.below, device.block.name) != other.block.below.end();
            if (&other != &device && !stacked && !ours_.contains(&other) &&
                other.content.type == device.content.type && !device.content.uuid.empty() &&
                other.content.uuid == device.content.uuid) {
                return &other;
            }
        }
        return nullptr;
    }

    void plan_one(const ChosenVolume& volume, const WantedMount& mount, const std::string& target) {
        const RestoreDevice* device = volume.mapped != nullptr ? source_of(volume, mount) : nullptr;
        const Mount* there = device != nullptr ? mounted_at(target) : nullptr;
        if (volume.mapped != nullptr && device == nullptr) {
            missing(mount, target);
        } else if (there != nullptr) {
            if (!is_mounted_there(*device, *there)) {
                leave(mount, Code::restore_step_failed,
                      fmt::format("'{}' is mounted there already, and '{}' should be",
                                  there->source, device->path));
            }
        } else if (const std::string outer = waits_for(target, false); !outer.empty()) {
            leave(mount, Code::restore_step_failed,
                  fmt::format("'{}' has to be mounted first, and is left: mounted later it would "
                              "cover what is mounted here",
                              outer));
        } else if (device == nullptr || !waits_for(target, true).empty()) {
            add_later(mount, target, mount.source);
        } else if (const std::string inner = covered_by(target); !inner.empty()) {
            leave(mount, Code::restore_step_failed,
                  fmt::format("'{}' is mounted inside it, and would be covered: unmount that, then "
                              "start this again",
                              inner));
        } else {
            mount_device(mount, target, *device);
        }
    }

    void missing(const WantedMount& mount, const std::string& target) {
        if (more_comes_to_light()) {
            add_later(mount, target, mount.source);
        } else {
            leave(mount, Code::volume_unreadable,
                  fmt::format("what was mounted there, '{}', is not found on the opened volumes",
                              mount.source));
        }
    }

    void mount_device(const WantedMount& mount, const std::string& target,
                      const RestoreDevice& device) {
        std::string options = mount.options;
        if (const RestoreDevice* twin = double_of(device)) {
            if (device.content.type == "btrfs") {
                leave(mount, Code::volume_ambiguous,
                      fmt::format("'{}' and '{}' are one btrfs by their UUID, an original beside "
                                  "its copy: mounting either could write to both; detach one",
                                  device.path, twin->path));
                return;
            }
            plan_.findings.push_back(
                fmt::format("'{}' and '{}' have one filesystem UUID, an original beside its copy",
                            device.path, twin->path));
            if (device.content.type == "xfs" && !has_option(options, "nouuid")) {
                options += ",nouuid";
            }
        }
        const auto checked = facts_.filesystems.find(device.path);
        if (checked == facts_.filesystems.end()) {
            // Looked at once more before it is done: then it is known.
            add(mount, target, device, options, true);
            return;
        }
        const FilesystemFacts& seen = checked->second;
        if (seen.verdict == FilesystemVerdict::damaged) {
            leave(mount, Code::restore_step_failed,
                  fmt::format("the filesystem on '{}' is not sound: {}; it is not mounted, and "
                              "nothing repairs it here",
                              device.path, seen.detail));
        } else if (seen.verdict != FilesystemVerdict::sound && !choices_.replay_journals) {
            const bool told = seen.verdict == FilesystemVerdict::needs_replay;
            leave(mount, Code::needs_permission,
                  fmt::format("{} '{}' was {}at rest{}: {}; mounting it replays what its journal "
                              "holds, which changes the disk",
                              told ? "the filesystem on" : "whether the filesystem on", device.path,
                              told ? "not " : "", told ? "" : " cannot be told", seen.detail),
                  Permission::replay_journals, "mounts it, and so replays its journal");
        } else {
            add(mount, target, device, options, false, &seen);
        }
    }

    void add(const WantedMount& mount, const std::string& target, const RestoreDevice& device,
             const std::string& options, bool later, const FilesystemFacts* seen = nullptr) {
        const bool sound = seen == nullptr || seen->verdict == FilesystemVerdict::sound;
        std::string changes;
        if (!sound) {
            changes = fmt::format("'{}': what its journal holds is replayed", device.path);
        } else if (seen != nullptr && seen->has_orphans) {
            changes = fmt::format(
                "'{}': files that were deleted while still open are freed, as at every mount",
                device.path);
        }
        plan_.steps.push_back(
            {.action = MountFilesystem{device.path, target, mount.type, options},
             .does = fmt::format("{}mount '{}' at '{}'",
                                 later ? "check the filesystem without writing, then " : "",
                                 device.path, target),
             .changes = std::move(changes),
             .undo = "it is unmounted",
             .permission = sound ? Permission::none : Permission::replay_journals,
             .volume = volume_,
             .partners = partners_on(device),
             .later = later});
    }

    /// A group or a RAID on several volumes is taken back on all of them.
    std::vector<std::string> partners_on(const RestoreDevice& device) const {
        const auto found = ours_.find(&device);
        std::vector<std::string> names =
            found == ours_.end() ? std::vector<std::string>() : found->second;
        std::erase(names, volume_);
        return names;
    }

    void add_later(const WantedMount& mount, const std::string& target, const std::string& source) {
        plan_.steps.push_back(
            {.action = MountFilesystem{source, target, mount.type, mount.options},
             .does = fmt::format("check the filesystem without writing, then mount '{}' at '{}'",
                                 source, target),
             .changes = "",
             .undo = "it is unmounted",
             .permission = Permission::none,
             .volume = volume_,
             .later = true});
    }

    const RestoreFacts& facts_;
    const RestoreChoices& choices_;
    RestorePlan& plan_;
    /// The devices of the volumes, and on which of those each stands.
    std::map<const RestoreDevice*, std::vector<std::string>> ours_;
    std::set<std::string> done_;
    /// Where nothing is mounted yet; whether a later step will.
    std::map<std::string, bool> waiting_;
    std::string volume_;  // that is planned for
    std::vector<Due> steps_;
};

/// The system assembles a RAID by itself when its members are there: if it did not, a person has
/// to.
void name_raid(const RestoreFacts& facts, const ChosenVolume& volume, RestorePlan& plan) {
    if (volume.mapped != nullptr && volume.mapped->content.type == "linux_raid_member" &&
        above(facts, *volume.mapped).empty()) {
        plan.left.push_back(
            {volume.wanted.name, Code::volume_unreadable,
             "it is open and a member of a RAID, which the system has not assembled: see to it "
             "with 'mdadm --assemble --scan', then start this again",
             Permission::none, ""});
    }
}

}  // namespace

void plan_mounts(const RestoreFacts& facts, const RestoreChoices& choices,
                 const std::vector<ChosenVolume>& volumes, RestorePlan& plan) {
    MountPlanner planner(facts, choices, volumes, plan);
    for (const ChosenVolume& volume : volumes) {
        if (volume.left) {
            planner.add_left(volume);
        } else {
            planner.add(volume);
            name_raid(facts, volume, plan);
        }
    }
    for (WantedVolume& closed : wanted_volumes(facts)) {
        if (is_left_closed(closed, facts, choices)) {
            planner.add_left({.wanted = std::move(closed)});
        }
    }
    planner.plan();
}

}  // namespace stillpoint
