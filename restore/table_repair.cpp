// SPDX-License-Identifier: Apache-2.0
#include "restore/table_repair.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "base/format.h"
#include "restore/key_path.h"
#include "restore/storage.h"

namespace stillpoint {
namespace {

template <class Entry>
using Key = std::string (*)(const Entry&);

/// Whether a line that cannot be understood is about this.
bool is_about(const std::string& line, const std::string& key) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
        if (word.starts_with('#')) {
            return false;
        }
        if (word == key) {
            return true;
        }
    }
    return false;
}

/// A table with lines put in or added, and what was done to it.
template <class Entry>
class Repair {
public:
    Repair(Table<Entry> table, Key<Entry> key) : table_(std::move(table)), key_(key) {}

    /// Makes the line with this entry's key say what the entry says. One that is not understood
    /// stays as it is.
    void set(const Entry& entry, std::string_view what) {
        const auto line = std::ranges::find_if(table_.lines, [&](const auto& one) {
            return one.entry && key_(*one.entry) == key_(entry);
        });
        if (line == table_.lines.end() && has(entry)) {
            unclear_.emplace_back(what);
        } else if (line == table_.lines.end()) {
            add(entry, what);
        } else if (line->entry != entry) {
            line->text = line_of(entry) + (line->comment.empty() ? "" : " " + line->comment);
            line->entry = entry;
            changes_.push_back(fmt::format("the line of {} corrected", what));
        }
    }

    /// A line has its key.
    bool has(const Entry& entry) const {
        return std::ranges::any_of(table_.lines,
                                   [&](const auto& line) { return is_for(line, entry); });
    }

    /// One that stands is never touched.
    void set_lost(const Entry& entry, std::string_view what) {
        if (!has(entry)) {
            add(entry, what);
        }
    }

    void add_to(RestorePlan& plan, const TableText& file) const {
        for (const std::string& what : unclear_) {
            plan.left.push_back({file.path, Code::restore_step_failed,
                                 fmt::format("its line of {} is not understood and stays as it is: "
                                             "correct it, or the next start does without it",
                                             what),
                                 Permission::none, ""});
        }
        if (changes_.empty()) {
            return;
        }
        std::string list;
        for (const std::string& change : changes_) {
            list += (list.empty() ? "" : ", ") + change;
        }
        plan.steps.push_back({.action = ReplaceTable{file.path, file.text, table_.text()},
                              .does = fmt::format("repair '{}': {}", file.path, list),
                              .changes = fmt::format("'{}'; a copy of it is kept", file.path),
                              .undo = "the copy is put back",
                              .permission = Permission::none,
                              .later = false});
    }

private:
    bool is_for(const typename Table<Entry>::Line& line, const Entry& entry) const {
        return line.entry ? key_(*line.entry) == key_(entry) : is_about(line.text, key_(entry));
    }

    void add(const Entry& entry, std::string_view what) {
        table_.ends_with_newline = true;
        table_.lines.push_back({line_of(entry), entry, ""});
        changes_.push_back(fmt::format("the lost line of {} put back", what));
    }

    Table<Entry> table_;
    Key<Entry> key_;
    std::vector<std::string> changes_;
    std::vector<std::string> unclear_;
};

std::string with_option(std::string options, std::string_view option) {
    if (has_option(options, option)) {
        return options;
    }
    return options.empty() ? std::string(option) : options + "," + std::string(option);
}

std::string header_uuid(const RestoreFacts& facts, const ChosenVolume& volume) {
    const auto header = volume.device != nullptr && volume.header_file.empty()
                            ? facts.headers.find(volume.device->path)
                            : facts.headers.end();
    return header == facts.headers.end() ? "" : header->second.uuid;
}

bool is_by_uuid(const std::string& name) {
    return name.starts_with("UUID=") || name.starts_with("/dev/disk/by-uuid/");
}

/// Another device has the same header: a copy, or an original.
bool has_twin(const RestoreFacts& facts, const std::string& uuid) {
    return std::ranges::count_if(facts.headers, [&](const auto& one) {
               return lower_case(one.second.uuid) == lower_case(uuid);
           }) > 1;
}

/// The name its line should have; the present one as long as it leads to the device.
std::string device_for_line(const RestoreFacts& facts, const ChosenVolume& volume,
                            RestorePlan& plan) {
    const std::string& named = volume.wanted.device();
    const std::string uuid = header_uuid(facts, volume);
    const bool doubtful = is_by_uuid(named) && has_twin(facts, uuid);
    if (volume.device == nullptr || (device_named(facts, named) == volume.device && !doubtful)) {
        return named;
    }
    if (facts.root.empty()) {
        return lasting_name(facts, *volume.device, named, uuid);
    }
    // Places are this machine's, not the other one's.
    if (uuid.empty() || has_twin(facts, uuid)) {
        plan.findings.push_back(fmt::format(
            "the line of '{}' names '{}' and stays as it is: which place the disk has on its own "
            "machine cannot be told from this one, and no UUID names it alone",
            volume.wanted.name, named));
        return named;
    }
    return lasting_name(facts, RestoreDevice{.path = volume.device->path}, named, uuid);
}

std::string quoted(const std::string& name) {
    return "'" + name + "'";
}

void tell_of_nofail(const std::string& table, const std::string& what, RestorePlan& plan) {
    plan.findings.push_back(fmt::format(
        "the line of '{}' in '{}' has no 'nofail': without its disk the machine does not start",
        what, table));
}

EncryptionSurvey recorded(const RestoreFacts& facts) {
    return facts.point ? facts.point->encryption : EncryptionSurvey();
}

/// Whether it has been looked for; then its line is put back once its device is known.
bool is_wanted(const std::vector<ChosenVolume>& volumes, const std::string& name) {
    return std::ranges::any_of(
        volumes, [&](const ChosenVolume& volume) { return volume.wanted.name == name; });
}

/// Lines that are not understood stay as they are.
void tell(const std::vector<std::string>& problems, RestorePlan& plan) {
    for (const std::string& problem : problems) {
        plan.findings.push_back(problem + ": the line means nothing to us and stays as it is");
    }
}

void repair_crypttab(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                     RestorePlan& plan) {
    auto table = parse_crypttab(facts.crypttab.text.value_or(""), facts.crypttab.path);
    tell(table.problems, plan);
    Repair<CrypttabEntry> repair(std::move(table),
                                 [](const CrypttabEntry& entry) { return entry.name; });
    for (const ChosenVolume& volume : volumes) {
        if (volume.wanted.table != VolumeTable::crypttab) {
            continue;
        }
        CrypttabEntry entry = volume.wanted.crypttab;
        if (volume.wanted.has_line && !has_option(entry.options, "nofail")) {
            tell_of_nofail(facts.crypttab.path, entry.name, plan);
        }
        if (volume.device == nullptr) {
            continue;
        }
        entry.device = device_for_line(facts, volume, plan);
        if (!volume.wanted.has_line) {
            entry.options = with_option(std::move(entry.options), "nofail");
        }
        if (volume.key) {
            entry.key_file = key_for_line(facts, *volume.key, entry.key_file);
        }
        repair.set(entry, quoted(entry.name));
    }
    // The system's own volume is nothing that we open, but the next start needs its line.
    for (const CrypttabEntry& entry : recorded(facts).crypttab) {
        if (is_wanted(volumes, entry.name)) {
            continue;
        }
        if (!has_new_key_each_time(entry)) {
            repair.set_lost(entry, quoted(entry.name));
        } else if (!repair.has(entry)) {
            plan.findings.push_back(fmt::format(
                "the lost line of '{}' is not put back: each start writes over '{}', which may be "
                "another disk now; make it anew by hand",
                entry.name, entry.device));
        }
    }
    repair.add_to(plan, facts.crypttab);
}

void repair_azure_crypt_mount(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                              RestorePlan& plan) {
    auto table = parse_azure_crypt_mount(facts.azure_crypt_mount.text.value_or(""),
                                         facts.azure_crypt_mount.path);
    tell(table.problems, plan);
    Repair<AzureCryptMountEntry> repair(
        std::move(table), [](const AzureCryptMountEntry& entry) { return entry.name; });
    for (const ChosenVolume& volume : volumes) {
        if (volume.wanted.table == VolumeTable::azure_crypt_mount && volume.device != nullptr) {
            AzureCryptMountEntry entry = volume.wanted.azure;
            entry.device = device_for_line(facts, volume, plan);
            repair.set(entry, quoted(entry.name));
        }
    }
    for (const AzureCryptMountEntry& entry : recorded(facts).azure_crypt_mount) {
        if (!is_wanted(volumes, entry.name)) {
            repair.set_lost(entry, quoted(entry.name));
        }
    }
    repair.add_to(plan, facts.azure_crypt_mount);
}

void repair_fstab(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                  RestorePlan& plan) {
    auto table = parse_fstab(facts.fstab.text.value_or(""), facts.fstab.path);
    tell(table.problems, plan);
    Repair<FstabEntry> repair(
        std::move(table), [](const FstabEntry& entry) { return plain_path(entry.mount_point); });
    if (facts.point) {
        for (const FstabEntry& entry : facts.point->encryption.fstab) {
            const auto now = parse_fstab(facts.fstab.text.value_or("")).entries();
            const bool stands = std::ranges::any_of(now, [&](const FstabEntry& line) {
                return plain_path(line.mount_point) == plain_path(entry.mount_point) ||
                       line.source == entry.source;
            });
            if (is_key_volume(entry) && !stands) {
                repair.set(entry, "the volume with the key files");
            }
        }
    }
    for (const ChosenVolume& volume : volumes) {
        if (volume.device == nullptr) {
            continue;
        }
        for (const WantedMount& mount : wanted_mounts(facts, volume)) {
            if (mount.line && mount.line_changed) {
                repair.set(*mount.line, quoted(mount.mount_point));
            }
            if (mount.lacks_nofail) {
                tell_of_nofail(facts.fstab.path, mount.mount_point, plan);
            }
        }
    }
    repair.add_to(plan, facts.fstab);
}

}  // namespace

std::string lasting_name(const RestoreFacts& facts, const RestoreDevice& device,
                         const std::string& old_name, const std::string& header_uuid) {
    const auto link_with = [&](std::string_view start) {
        for (const std::string& link : device.links) {
            if (link.starts_with(start)) {
                return link;
            }
        }
        return std::string();
    };
    const std::string by_uuid = has_twin(facts, header_uuid) ? "" : header_uuid;
    if (old_name.starts_with("UUID=") && !by_uuid.empty()) {
        return "UUID=" + by_uuid;
    }
    // In the old name's folder, then what survives a restart best.
    const std::string folder = old_name.substr(0, old_name.rfind('/') + 1);
    if (folder.starts_with("/dev/disk/") && !is_by_uuid(old_name)) {
        if (std::string link = link_with(folder); !link.empty()) {
            return link;
        }
    }
    if (!by_uuid.empty()) {
        return "/dev/disk/by-uuid/" + by_uuid;
    }
    constexpr std::array<std::string_view, 4> kFolders = {
        "/dev/disk/azure/", "/dev/disk/by-partuuid/", "/dev/disk/by-id/", "/dev/disk/by-path/"};
    for (const std::string_view start : kFolders) {
        if (std::string link = link_with(start); !link.empty()) {
            return link;
        }
    }
    return device.path;
}

void plan_tables(const RestoreFacts& facts, const std::vector<ChosenVolume>& volumes,
                 RestorePlan& plan) {
    repair_azure_crypt_mount(facts, volumes, plan);
    repair_crypttab(facts, volumes, plan);
    repair_fstab(facts, volumes, plan);
}

}  // namespace stillpoint
