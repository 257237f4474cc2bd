// SPDX-License-Identifier: Apache-2.0
#include "restore/key_path.h"

#include <algorithm>

#include "platform/device_graph.h"
#include "restore/storage.h"

namespace stillpoint {
namespace {

constexpr std::string_view kKeyName = "LinuxPassPhraseFileName";
constexpr std::string_view kUsualFolder = "/mnt/azure_bek_disk";
constexpr std::string_view kOwnFolder = "/run/stillpoint/keys";

std::string name_in(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

const KeyVolume* volume_of(const RestoreFacts& facts, const KeyFile& key) {
    const auto found = std::ranges::find(facts.key_volumes, key.volume, &KeyVolume::device);
    return found == facts.key_volumes.end() ? nullptr : &*found;
}

bool is_mounted(const RestoreFacts& facts, const std::string& place) {
    return std::ranges::find(facts.mounts, place, &Mount::mount_point) != facts.mounts.end();
}

/// A volume that the keys are wanted for may have to be mounted around it.
bool may_be_covered(const RestoreFacts& facts, const std::string& place) {
    std::vector<FstabEntry> lines = parse_fstab(facts.fstab.text.value_or("")).entries();
    if (facts.point) {
        const std::vector<FstabEntry>& then = facts.point->encryption.fstab;
        lines.insert(lines.end(), then.begin(), then.end());
    }
    return std::ranges::any_of(lines, [&](const FstabEntry& line) {
        const std::string around = under_root(facts, line.mount_point);
        return is_of_data_disk(line) && around != place && is_within(place, around) &&
               !is_mounted(facts, around);
    });
}

}  // namespace

bool is_key_volume(const FstabEntry& entry) {
    std::string label(kKeyVolumeLabel);
    return entry.source == "LABEL=" + label || entry.source == "LABEL=\"" + label + "\"" ||
           entry.source == "/dev/disk/by-label/BEK\\x20VOLUME" ||
           entry.source.starts_with("/dev/disk/azure/BEK");
}

std::string key_folder(const RestoreFacts& facts) {
    const auto fstab = parse_fstab(facts.fstab.text.value_or("")).entries();
    const std::vector<FstabEntry> then =
        facts.point ? facts.point->encryption.fstab : std::vector<FstabEntry>();
    for (const auto* lines : {&fstab, &then}) {
        for (const FstabEntry& entry : *lines) {
            if (is_key_volume(entry) && entry.mount_point.starts_with('/')) {
                return entry.mount_point;
            }
        }
    }
    for (const WantedVolume& volume : wanted_volumes(facts)) {
        const std::string& key = volume.key_file();
        if (name_in(key).starts_with(kKeyName) && key.starts_with("/mnt/")) {
            return key.substr(0, key.rfind('/'));
        }
    }
    if (facts.point && facts.point->encryption.ade.bek_mount_point.starts_with('/')) {
        return facts.point->encryption.ade.bek_mount_point;
    }
    return std::string(kUsualFolder);
}

std::string place_of(const RestoreFacts& facts, const KeyVolume& volume) {
    if (!volume.mounted_at.empty()) {
        return volume.mounted_at;
    }
    // Another one may be, or come to be, mounted there: an original's beside a copy's.
    std::string place = under_root(facts, key_folder(facts));
    const auto first = std::ranges::find(facts.key_volumes, std::string(), &KeyVolume::mounted_at);
    const bool taken = (first != facts.key_volumes.end() && first->device != volume.device) ||
                       is_mounted(facts, place) || may_be_covered(facts, place);
    return taken ? std::string(kOwnFolder) + volume.device.substr(volume.device.rfind('/')) : place;
}

std::string path_of(const RestoreFacts& facts, const KeyFile& key) {
    const KeyVolume* volume = volume_of(facts, key);
    return volume == nullptr ? key.name : place_of(facts, *volume) + "/" + key.name;
}

std::string key_for_line(const RestoreFacts& facts, const KeyFile& key, const std::string& named) {
    const KeyVolume* volume = volume_of(facts, key);
    if (volume == nullptr) {
        return key.name.starts_with(facts.root) ? key.name.substr(facts.root.size()) : key.name;
    }
    return name_in(named) == key.name ? named : key_folder(facts) + "/" + key.name;
}

}  // namespace stillpoint
