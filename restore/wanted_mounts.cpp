// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "restore/key_path.h"
#include "restore/lv_path.h"
#include "restore/storage.h"

namespace stillpoint {
namespace {

std::string value_named(const std::string& source, const std::array<std::string_view, 2>& starts) {
    for (const std::string_view start : starts) {
        if (source.starts_with(start)) {
            std::string value = source.substr(start.size());
            std::erase(value, '"');
            return value;
        }
    }
    return "";
}

std::string uuid_named(const std::string& source) {
    return value_named(source, {"UUID=", "/dev/disk/by-uuid/"});
}

std::string label_named(const std::string& source) {
    return value_named(source, {"LABEL=", "/dev/disk/by-label/"});
}

/// The machine needs these for its start: it had better stop than go on without.
bool is_of_system(const std::string& mount_point) {
    return mount_point == "/" || mount_point == "/usr";
}

/// What a volume's mounts are told by.
class Mounts {
public:
    Mounts(const RestoreFacts& facts, const ChosenVolume& volume)
        : facts_(facts),
          volume_(volume),
          recorded_(volume.wanted.recorded),
          all_(all_of(facts, volume)) {
        if (recorded_ != nullptr) {
            groups_ = recorded_->volume_groups;
        }
        for (const VolumeGroup& group : facts.volume_groups) {
            for (const std::string& path : group.devices) {
                if (volume.mapped != nullptr && device_at(facts, path) == volume.mapped) {
                    current_ = &group;
                    groups_.push_back(group.name);
                }
            }
        }
    }

    std::vector<WantedMount> collect() {
        const auto now = parse_fstab(facts_.fstab.text.value_or("")).entries();
        for (const FstabEntry& entry : now) {
            add_line(entry, true);
        }
        if (volume_.wanted.table == VolumeTable::azure_crypt_mount) {
            add_azure();
        }
        if (facts_.point) {
            for (const FstabEntry& entry : facts_.point->encryption.fstab) {
                add_line(entry, false);
            }
        }
        const auto kept = volume_.device == nullptr ? facts_.kept_lines.end()
                                                    : facts_.kept_lines.find(volume_.device->path);
        if (kept != facts_.kept_lines.end()) {
            for (const FstabEntry& entry : parse_fstab(kept->second.fstab).entries()) {
                add_line(entry, false);
            }
        }
        if (recorded_ != nullptr) {
            for (const EncryptedMount& mount : recorded_->mounts) {
                if (is_bound(mount.mount_point)) {
                    continue;
                }
                add({corrected(mount.source), mount.mount_point, mount.type, "defaults", mount.uuid,
                     std::nullopt, false});
            }
        }
        return std::move(mounts_);
    }

private:
    const EncryptedMount* recorded_at(const std::string& mount_point) const {
        if (recorded_ != nullptr) {
            for (const EncryptedMount& mount : recorded_->mounts) {
                if (plain_path(mount.mount_point) == plain_path(mount_point)) {
                    return &mount;
                }
            }
        }
        return nullptr;
    }

    /// A line binds another folder to this one: not the volume's own mount.
    bool is_bound(const std::string& mount_point) const {
        std::vector<FstabEntry> lines = parse_fstab(facts_.fstab.text.value_or("")).entries();
        if (facts_.point) {
            const auto& then = facts_.point->encryption.fstab;
            lines.insert(lines.end(), then.begin(), then.end());
        }
        return std::ranges::any_of(lines, [&](const FstabEntry& line) {
            return is_bind(line) && plain_path(line.mount_point) == plain_path(mount_point);
        });
    }

    bool is_ours(const FstabEntry& entry) const {
        if (entry.source == "/dev/mapper/" + volume_.wanted.name) {
            return true;
        }
        const std::string uuid = uuid_named(entry.source);
        if (!uuid.empty() && volume_.content && volume_.content->uuid == uuid) {
            return true;
        }
        const std::string label = label_named(entry.source);
        if (!label.empty() && volume_.content && volume_.content->label == label) {
            return true;
        }
        if (const auto lv = parse_lv_path(entry.source)) {
            if (std::ranges::find(groups_, lv->group) != groups_.end()) {
                return true;
            }
        }
        // A RAID on it, for one.
        const RestoreDevice* named = device_named(facts_, entry.source);
        if (named != nullptr && std::ranges::find(all_, named) != all_.end()) {
            return true;
        }
        const EncryptedMount* recorded = recorded_at(entry.mount_point);
        return recorded != nullptr && (uuid.empty() || uuid == recorded->uuid);
    }

    /// A group that was renamed is named as it is now.
    std::string corrected(const std::string& source) const {
        const auto lv = parse_lv_path(source);
        if (!lv || current_ == nullptr || lv->group == current_->name ||
            std::ranges::find(groups_, lv->group) == groups_.end() ||
            std::ranges::find(current_->volumes, lv->volume) == current_->volumes.end()) {
            return source;
        }
        return lv_path({current_->name, lv->volume});
    }

    void add_line(FstabEntry entry, bool stands) {
        if (!is_mount(entry) || !is_ours(entry)) {
            return;
        }
        const EncryptedMount* recorded = recorded_at(entry.mount_point);
        if (has_option(entry.options, "noauto") && recorded == nullptr) {
            return;
        }
        const std::string source = corrected(entry.source);
        const bool changed = !stands || source != entry.source;
        entry.source = source;
        const bool may_fail =
            has_option(entry.options, "nofail") || is_of_system(plain_path(entry.mount_point));
        if (!may_fail && !stands) {
            entry.options += entry.options.empty() ? "nofail" : ",nofail";
        }
        add({.source = source,
             .mount_point = entry.mount_point,
             .type = entry.type,
             .options = entry.options,
             .uuid = recorded != nullptr ? recorded->uuid : uuid_named(source),
             .line = entry,
             .line_changed = changed,
             .lacks_nofail = !may_fail && stands});
    }

    void add_azure() {
        const AzureCryptMountEntry& entry = volume_.wanted.azure;
        if (!entry.mount_point.empty()) {
            add({"/dev/mapper/" + entry.name, entry.mount_point,
                 entry.type.empty() ? "auto" : entry.type, "defaults", "", std::nullopt, false});
        }
    }

    void add(WantedMount mount) {
        mount.mount_point = plain_path(mount.mount_point);
        if (std::ranges::find(mounts_, mount.mount_point, &WantedMount::mount_point) ==
            mounts_.end()) {
            mounts_.push_back(std::move(mount));
        }
    }

    const RestoreFacts& facts_;
    const ChosenVolume& volume_;
    const EncryptedVolume* recorded_;
    std::vector<const RestoreDevice*> all_;
    const VolumeGroup* current_ = nullptr;
    std::vector<std::string> groups_;  // that are, or were, on it
    std::vector<WantedMount> mounts_;
};

}  // namespace

std::vector<WantedMount> wanted_mounts(const RestoreFacts& facts, const ChosenVolume& volume) {
    return Mounts(facts, volume).collect();
}

bool is_bind(const FstabEntry& entry) {
    return has_option(entry.options, "bind") || has_option(entry.options, "rbind");
}

bool is_mount(const FstabEntry& entry) {
    return entry.type != "swap" && entry.mount_point.starts_with('/') && !is_bind(entry);
}

bool is_of_data_disk(const FstabEntry& entry) {
    const bool local = entry.source.starts_with("/dev/") || entry.source.starts_with("UUID=") ||
                       entry.source.starts_with("LABEL=");
    // A size of machine without a temporary disk leaves that one's line behind.
    const bool temporary = entry.source.find("resource") != std::string::npos;
    return local && !temporary && is_mount(entry) && plain_path(entry.mount_point) != "/" &&
           !has_option(entry.options, "noauto") && !is_key_volume(entry);
}

std::vector<const RestoreDevice*> all_of(const RestoreFacts& facts, const ChosenVolume& volume) {
    std::vector<const RestoreDevice*> all;
    if (volume.mapped != nullptr) {
        all.push_back(volume.mapped);
    }
    for (std::size_t at = 0; at < all.size(); ++at) {
        for (const RestoreDevice* upper : above(facts, *all[at])) {
            if (std::ranges::find(all, upper) == all.end()) {
                all.push_back(upper);
            }
        }
    }
    return all;
}

}  // namespace stillpoint
