// SPDX-License-Identifier: Apache-2.0
#include "restore/plan.h"

#include <algorithm>

#include "base/format.h"
#include "restore/choice.h"
#include "restore/key_path.h"
#include "restore/machine.h"
#include "restore/storage.h"
#include "restore/table_repair.h"

namespace stillpoint {
namespace {

constexpr std::uint64_t kHeaderBytes = 16U << 20;  // LUKS2 with the sizes cryptsetup gives it
constexpr std::uint64_t kMostCopied = 64U << 20;

std::string quoted_list(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        list += (list.empty() ? "'" : ", '") + name + "'";
    }
    return list;
}

class Planner {
public:
    Planner(const RestoreFacts& facts, const RestoreChoices& choices)
        : facts_(facts), choices_(choices), volumes_(choose_devices(facts, choices)) {}

    RestorePlan plan() {
        judge();
        for (const ChosenVolume& volume : volumes_) {
            plan_.findings.insert(plan_.findings.end(), volume.findings.begin(),
                                  volume.findings.end());
            compare_with_point(volume);
            if (volume.left) {
                plan_.left.push_back(*volume.left);
            }
        }
        name_unknown_choices();
        RestorePlan storage;
        plan_volume_groups(facts_, choices_, volumes_, storage);
        look_inside();
        mount_key_volumes();
        for (const ChosenVolume& volume : volumes_) {
            repair_header(volume);
            open(volume);
        }
        take_over(std::move(storage));
        if (std::ranges::none_of(plan_.steps, is_look)) {
            plan_tables(facts_, volumes_, plan_);
        }
        plan_mounts(facts_, choices_, volumes_, plan_);
        reset_state();
        plan_.by_hand = left_for_people(volumes_);
        return std::move(plan_);
    }

private:
    static bool is_look(const RestoreStep& step) {
        return std::holds_alternative<LookInside>(step.action);
    }

    void judge() {
        if (facts_.point && facts_.root.empty()) {
            const MachineVerdict verdict = judge_machine(facts_.point->machine, facts_.machine);
            plan_.restored = verdict.restored;
            plan_.findings.push_back(verdict.finding);
        }
        if (facts_.point) {
            plan_.findings.push_back(
                fmt::format("the passport is of the backup of {}", facts_.point->time));
        } else {
            plan_.findings.push_back(
                fmt::format("there is no passport ({}): what is done follows from crypttab, fstab, "
                            "azure_crypt_mount and the lines kept inside encrypted filesystems",
                            facts_.point_problem));
        }
        if (!facts_.root.empty()) {
            plan_.findings.push_back(
                fmt::format("this is about the root below '{}': its tables are repaired, its disks "
                            "mounted below "
                            "it; whether it was restored cannot be told from this machine",
                            facts_.root));
        }
        plan_.findings.insert(plan_.findings.end(), facts_.gaps.begin(), facts_.gaps.end());
        judge_key_volumes();
        for (const WantedVolume& volume : wanted_volumes(facts_)) {
            if (is_left_closed(volume, facts_, choices_)) {
                plan_.findings.push_back(fmt::format(
                    "'{}' stays closed: its line says 'noauto', and that it was open at "
                    "the backup is not known",
                    volume.name));
            }
        }
    }

    void judge_key_volumes() {
        std::vector<std::string> devices;
        for (const KeyVolume& volume : facts_.key_volumes) {
            devices.push_back(volume.device);
            if (!volume.problem.empty()) {
                plan_.findings.push_back(volume.problem);
            }
        }
        if (devices.size() > 1) {
            plan_.findings.push_back(
                fmt::format("{} are all named '{}': which of them the next start mounts cannot be "
                            "told, so detach the one that is not this machine's",
                            quoted_list(devices), kKeyVolumeLabel));
        }
    }

    void name_unknown_choices() {
        for (const auto& [name, path] : choices_.devices) {
            const bool known =
                std::ranges::any_of(volumes_, [&, wanted = name](const ChosenVolume& volume) {
                    return volume.wanted.name == wanted;
                });
            if (!known) {
                plan_.left.push_back(
                    {name, Code::usage,
                     "--device names it, but no table and no passport knows such a volume",
                     Permission::none, ""});
            }
        }
    }

    void compare_with_point(const ChosenVolume& volume) {
        if (volume.wanted.recorded == nullptr || volume.device == nullptr) {
            return;
        }
        const auto header = volume.header_file.empty()
                                ? facts_.headers.find(volume.device->path)
                                : facts_.header_files.find(volume.header_file);
        const auto end =
            volume.header_file.empty() ? facts_.headers.end() : facts_.header_files.end();
        if (header == end) {
            return;
        }
        const EncryptionHeader& then = volume.wanted.recorded->header;
        const EncryptionHeader& now = header->second;
        if (lower_case(then.uuid) != lower_case(now.uuid)) {
            plan_.findings.push_back(
                fmt::format("the header of '{}' has another UUID than in the passport: the disks "
                            "are not all of "
                            "one moment",
                            volume.wanted.name));
        } else if (!then.digests.header.empty() && !now.digests.header.empty() &&
                   then.digests.header != now.digests.header) {
            plan_.findings.push_back(fmt::format(
                "the header of '{}' is not the one of the passport: keys were changed between, or "
                "the disks are not all of one moment",
                volume.wanted.name));
        }
    }

    /// Lost lines are found inside: only where no table, no passport names the volume.
    void look_inside() {
        for (const RestoreDevice* device : unknown_volumes(facts_, choices_)) {
            const EncryptionHeader& header = facts_.headers.at(device->path);
            if (std::ranges::find(volumes_, lower_case(header.uuid), &ChosenVolume::told_by_key) !=
                volumes_.end()) {
                continue;  // its key told whose it is
            }
            const Proof* proof = proof_of(facts_, device->path, "");
            if (proof == nullptr || !proof->key) {
                plan_.findings.push_back(
                    fmt::format("'{}' is encrypted, no table and no passport names it, and no key "
                                "at hand opens it: it is left alone",
                                device->path));
            } else if (header.reencrypting) {
                plan_.left.push_back(
                    {device->path, Code::volume_unreadable,
                     fmt::format("no table and no passport names it, and it is being re-encrypted: "
                                 "end that first, with 'cryptsetup reencrypt --resume-only {}'",
                                 device->path),
                     Permission::none, ""});
            } else if (facts_.kept_lines.contains(device->path) || !proof->content ||
                       !keeps_lines(*proof->content)) {
                plan_.left.push_back(
                    {device->path, Code::passport_missing,
                     fmt::format("'{}' opens with '{}', but nothing tells under which name: add "
                                 "its line to crypttab, then start this again",
                                 device->path, path_of(facts_, *proof->key)),
                     Permission::none, ""});
            } else {
                needed_.push_back(proof->key->volume);
                looks_.push_back(
                    {.action = LookInside{device->path, path_of(facts_, *proof->key),
                                          proof->content->type},
                     .does = fmt::format("open '{}' for reading alone, read the lines for crypttab "
                                         "and fstab that Azure Disk Encryption keeps in it, and "
                                         "close it",
                                         device->path),
                     .changes = "",
                     .undo = "it is closed",
                     .permission = Permission::none,
                     .volume = device->path,
                     .later = false});
            }
        }
    }

    static bool keeps_lines(const DeviceContent& content) {
        return content.type == "xfs" || content.type == "btrfs" || content.type.starts_with("ext");
    }

    void mount_key_volumes() {
        for (const ChosenVolume& volume : volumes_) {
            if (volume.key && volume.mapped == nullptr && !volume.left) {
                needed_.push_back(volume.key->volume);
            }
        }
        for (const KeyVolume& volume : facts_.key_volumes) {
            if (!volume.mounted_at.empty() ||
                std::ranges::find(needed_, volume.device) == needed_.end()) {
                continue;
            }
            const std::string place = place_of(facts_, volume);
            plan_.steps.push_back(
                {.action = MountKeyVolume{volume.device, place},
                 .does = fmt::format("mount the volume with the key files, '{}', at '{}', for "
                                     "reading alone",
                                     volume.device, place),
                 .changes = "",
                 .undo = "it is unmounted",
                 .permission = Permission::none,
                 .later = false});
        }
        plan_.steps.insert(plan_.steps.end(), looks_.begin(), looks_.end());
    }

    void repair_header(const ChosenVolume& volume) {
        if (volume.device == nullptr) {
            return;
        }
        const bool detached = !volume.header_file.empty();
        const auto& headers = detached ? facts_.header_files : facts_.headers;
        const std::string& place = detached ? volume.header_file : volume.device->path;
        const auto found = headers.find(place);
        if (found == headers.end() || found->second.state != HeaderState::one_copy_damaged) {
            return;
        }
        const std::string problem = fmt::format(
            "one of the two copies of the encryption header on '{}' is damaged; it opens by the "
            "good one, and nothing is written",
            place);
        if (found->second.reencrypting) {
            plan_.left.push_back({volume.wanted.name, Code::header_damaged,
                                  problem + "; it is being re-encrypted: not repaired here",
                                  Permission::none, ""});
        } else if (volume.mapped == nullptr && !volume.key) {
            // Nothing shows that the good copy is good.
            return;
        } else if (!choices_.repair_headers) {
            plan_.left.push_back({volume.wanted.name, Code::needs_permission, problem,
                                  Permission::repair_headers,
                                  "writes the good copy over the damaged one"});
        } else {
            add_repair(volume.wanted.name, place, found->second);
        }
    }

    void add_repair(const std::string& name, const std::string& place,
                    const EncryptionHeader& header) {
        const std::uint64_t bytes = header.payload_offset_bytes;
        const std::string copy =
            under_root(facts_, fmt::format("/var/lib/stillpoint/header-{}", header.uuid));
        plan_.steps.push_back(
            {.action = RepairHeader{place, copy,
                                    bytes > 0 && bytes <= kMostCopied ? bytes : kHeaderBytes},
             .does = fmt::format("write the good copy of the encryption header on '{}' over the "
                                 "damaged one",
                                 place),
             .changes =
                 fmt::format("the header on '{}'; what was there is kept in '{}'", place, copy),
             .undo = "",
             .permission = Permission::repair_headers,
             .volume = name,
             .later = false});
    }

    void open(const ChosenVolume& volume) {
        if (volume.left || volume.mapped != nullptr || volume.device == nullptr || !volume.key) {
            return;
        }
        const std::string header = volume.header_file.empty()
                                       ? ""
                                       : fmt::format(", its header in '{}'", volume.header_file);
        const std::string key = path_of(facts_, *volume.key);
        const std::string& options = volume.wanted.crypttab.options;
        plan_.steps.push_back(
            {.action =
                 OpenVolume{volume.wanted.name, volume.device->path, volume.header_file, key,
                            volume.key->part, has_option(options, "discard"),
                            has_option(options, "readonly") || has_option(options, "read-only")},
             .does = fmt::format("open '{}' as '{}'{}, with the key file '{}'", volume.device->path,
                                 volume.wanted.name, header, key),
             .changes = "",
             .undo = "it is closed",
             .permission = Permission::none,
             .volume = volume.wanted.name,
             .later = false});
    }

    void take_over(RestorePlan storage) {
        std::ranges::move(storage.findings, std::back_inserter(plan_.findings));
        std::ranges::move(storage.steps, std::back_inserter(plan_.steps));
        std::ranges::move(storage.left, std::back_inserter(plan_.left));
    }

    void reset_state() {
        std::vector<std::string> files = facts_.stale_state.to_remove;
        const std::vector<std::string>& undecided = facts_.stale_state.undecided;
        if (choices_.reset_identity) {
            files.insert(files.end(), undecided.begin(), undecided.end());
        } else if (!undecided.empty()) {
            plan_.left.push_back(
                {"the extension's memory", Code::needs_permission,
                 fmt::format("whether {} are of the machine that was backed up, which this one may "
                             "be, cannot be told",
                             quoted_list(undecided)),
                 Permission::reset_identity,
                 "takes them away, so that the next backup begins anew"});
        }
        if (files.empty()) {
            return;
        }
        plan_.steps.push_back(
            {.action = ResetState{files},
             .does = fmt::format("forget the machine that was backed up, so that the next backup "
                                 "begins anew: take away {}",
                                 quoted_list(files)),
             .changes = "these files of the backup extension; a copy of each is kept",
             .undo = "the copies are put back",
             .permission = choices_.reset_identity ? Permission::reset_identity : Permission::none,
             .later = false});
    }

    const RestoreFacts& facts_;
    const RestoreChoices& choices_;
    std::vector<ChosenVolume> volumes_;
    RestorePlan plan_;
    std::vector<std::string> needed_;  // key volumes
    std::vector<RestoreStep> looks_;
};

}  // namespace

std::string_view option_for(Permission permission) {
    switch (permission) {
        case Permission::none:
            return "";
        case Permission::repair_headers:
            return "--repair-headers";
        case Permission::rename_volume_groups:
            return "--rename-volume-groups";
        case Permission::replay_journals:
            return "--replay-journals";
        case Permission::reset_identity:
            return "--reset-identity";
    }
    return "";
}

RestorePlan plan_restore(const RestoreFacts& facts, const RestoreChoices& choices) {
    return Planner(facts, choices).plan();
}

}  // namespace stillpoint
