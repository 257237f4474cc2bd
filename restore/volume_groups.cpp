// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/format.h"
#include "restore/machine.h"
#include "restore/storage.h"

namespace stillpoint {
namespace {

constexpr std::string_view kMember = "LVM2_member";

bool is_on(const RestoreFacts& facts, const VolumeGroup& group, const RestoreDevice* device) {
    return device != nullptr && std::ranges::any_of(group.devices, [&](const std::string& path) {
               return device_at(facts, path) == device;
           });
}

const VolumeGroup* group_on(const RestoreFacts& facts, const RestoreDevice* mapped) {
    for (const VolumeGroup& group : facts.volume_groups) {
        if (is_on(facts, group, mapped)) {
            return &group;
        }
    }
    return nullptr;
}

std::string free_name(const RestoreFacts& facts, const std::string& group) {
    std::string name = group + "_restored";
    for (int number = 2; std::ranges::any_of(
             facts.volume_groups, [&](const VolumeGroup& one) { return one.name == name; });
         ++number) {
        name = fmt::format("{}_restored{}", group, number);
    }
    return name;
}

/// One volume group that lies on encrypted volumes.
struct Group {
    std::string name;
    std::vector<ChosenVolume*> volumes;
    const RestoreDevice* original = nullptr;  // has the same physical volume as one of ours
    const VolumeGroup* namesake = nullptr;    // another group of this name
    const VolumeGroup* seen = nullptr;        // LVM sees it on our volumes
};

std::string name_of_group(const RestoreFacts& facts, const ChosenVolume& volume) {
    if (const VolumeGroup* group = group_on(facts, volume.mapped)) {
        return group->name;
    }
    const EncryptedVolume* recorded = volume.wanted.recorded;
    return recorded != nullptr && !recorded->volume_groups.empty() ? recorded->volume_groups.front()
                                                                   : "";
}

std::vector<Group> groups_of(const RestoreFacts& facts, std::vector<ChosenVolume>& volumes) {
    std::vector<Group> groups;
    for (ChosenVolume& volume : volumes) {
        if (!volume.content || volume.content->type != kMember || volume.left) {
            continue;
        }
        const std::string name = name_of_group(facts, volume);
        auto found = std::ranges::find(groups, name, &Group::name);
        if (found == groups.end()) {
            groups.push_back({.name = name});
            found = std::prev(groups.end());
        }
        found->volumes.push_back(&volume);
    }
    return groups;
}

void look_for_doubles(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                      Group& group) {
    std::set<const RestoreDevice*> ours;
    for (const ChosenVolume& volume : volumes) {
        ours.insert(volume.mapped);
    }
    for (const ChosenVolume* volume : group.volumes) {
        for (const RestoreDevice& device : facts.devices) {
            if (device.content.type == kMember && device.content.uuid == volume->content->uuid &&
                !ours.contains(&device)) {
                group.original = &device;
            }
        }
    }
    for (const VolumeGroup& one : facts.volume_groups) {
        if (one.name != group.name) {
            continue;
        }
        const bool on_ours = std::ranges::any_of(group.volumes, [&](const ChosenVolume* volume) {
            return is_on(facts, one, volume->mapped);
        });
        (on_ours ? group.seen : group.namesake) = &one;
    }
}

/// A group on several volumes is there with all of them or not at all.
std::vector<std::string> partners_in(const Group& group) {
    std::vector<std::string> names;
    for (const ChosenVolume* volume : group.volumes) {
        names.push_back(volume->wanted.name);
    }
    names.erase(names.begin());
    return names;
}

std::string names_of(const Group& group) {
    std::string names;
    for (const ChosenVolume* volume : group.volumes) {
        names += (names.empty() ? "'" : ", '") + volume->wanted.name + "'";
    }
    return names;
}

void rename(const RestoreFacts& facts, const Group& group, RestorePlan& plan) {
    RenameVolumeGroup action{group.name, group.name, free_name(facts, group.name), {}};
    bool all_open = true;
    for (const ChosenVolume* volume : group.volumes) {
        all_open = all_open && volume->mapped != nullptr;
        if (group.original != nullptr) {
            action.copies.push_back("/dev/mapper/" + volume->wanted.name);
        }
    }
    if (group.original == nullptr && group.seen != nullptr) {
        action.group = group.seen->uuid;
    }
    plan.steps.push_back(
        {.action = action,
         .does = fmt::format("rename the volume group '{}' on {} to '{}', because {}", group.name,
                             names_of(group), action.name,
                             group.original != nullptr
                                 ? fmt::format("its original is on '{}'", group.original->path)
                                 : "another group has that name"),
         .changes =
             fmt::format("the LVM metadata on {}: {}the group's name and UUID", names_of(group),
                         group.original != nullptr ? "the physical volumes' UUIDs, " : ""),
         .undo = group.original != nullptr ? "" : "it is given its old name",
         .permission = Permission::rename_volume_groups,
         .volume = group.volumes.front()->wanted.name,
         .partners = partners_in(group),
         .later = !all_open || (group.original == nullptr && group.seen == nullptr)});
}

/// Only on a machine that is known to be restored, or in a root that was attached to another one,
/// are its own volumes surely the copy.
bool are_ours_copies(const RestoreFacts& facts) {
    return !facts.root.empty() ||
           (facts.point &&
            judge_machine(facts.point->machine, facts.machine).restored.value_or(false));
}

void leave(const RestoreFacts& facts, const Group& group, RestorePlan& plan) {
    const std::string why =
        group.original != nullptr
            ? fmt::format(
                  "its content is the same LVM physical volume as on '{}': an original "
                  "beside its copy",
                  group.original->path)
            : fmt::format("its volume group '{}' has the name of another one that is here",
                          group.name);
    const bool copies = are_ours_copies(facts);
    for (ChosenVolume* volume : group.volumes) {
        LeftAlone left{
            volume->wanted.name, copies ? Code::needs_permission : Code::volume_ambiguous,
            why +
                (volume->mapped != nullptr ? "; it is open, and not activated"
                                           : "; it stays closed") +
                (copies ? "" : "; which of them is the copy cannot be told: detach one"),
            copies ? Permission::rename_volume_groups : Permission::none,
            copies ? "renames the copy's volume group, with new UUIDs, and corrects fstab" : ""};
        plan.left.push_back(left);
        // Planned no further; the reason is told once.
        volume->left = std::move(left);
    }
}

void activate(const RestoreFacts& facts, const Group& group, RestorePlan& plan) {
    if (!facts.lvm_problem.empty()) {
        plan.left.push_back({names_of(group), Code::restore_step_failed,
                             "LVM could not be asked: " + facts.lvm_problem, Permission::none, ""});
        return;
    }
    const bool open = std::ranges::all_of(
        group.volumes, [](const ChosenVolume* volume) { return volume->mapped != nullptr; });
    const VolumeGroup* seen = group_on(facts, group.volumes.front()->mapped);
    if (open && seen == nullptr) {
        plan.left.push_back({group.name, Code::restore_step_failed,
                             fmt::format("LVM does not see a volume group on {}", names_of(group)),
                             Permission::none, ""});
    } else if (seen != nullptr && seen->incomplete && open) {
        plan.left.push_back({group.name, Code::volume_unreadable,
                             fmt::format("the volume group '{}' is not complete: a disk of it is "
                                         "missing or closed",
                                         group.name),
                             Permission::none, ""});
    } else if (!open || !seen->inactive.empty()) {
        plan.steps.push_back(
            {.action =
                 ActivateVolumeGroup{group.name,
                                     seen != nullptr ? seen->inactive : std::vector<std::string>()},
             .does = group.name.empty()
                         ? fmt::format("activate the volume group on {}", names_of(group))
                         : fmt::format("activate the volume group '{}' on {}", group.name,
                                       names_of(group)),
             .changes = "",
             .undo = "it is deactivated",
             .permission = Permission::none,
             .volume = group.volumes.front()->wanted.name,
             .partners = partners_in(group),
             .later = !open});
    }
}

}  // namespace

void plan_volume_groups(const RestoreFacts& facts, const RestoreChoices& choices,
                        std::vector<ChosenVolume>& volumes, RestorePlan& plan) {
    for (Group& group : groups_of(facts, volumes)) {
        look_for_doubles(facts, volumes, group);
        if (group.original == nullptr && group.namesake == nullptr) {
            activate(facts, group, plan);
        } else if (choices.rename_volume_groups && are_ours_copies(facts)) {
            rename(facts, group, plan);
        } else {
            leave(facts, group, plan);
        }
    }
}

}  // namespace stillpoint
