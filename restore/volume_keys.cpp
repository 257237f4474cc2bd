// SPDX-License-Identifier: Apache-2.0
#include "restore/volume_keys.h"

#include <algorithm>

#include "restore/choice.h"

namespace stillpoint {
namespace {

constexpr std::string_view kAzureKeyName = "LinuxPassPhraseFileName";
constexpr std::string_view kAzureFolder = "/var/lib/azure_disk_encryption_config/";

std::string name_in(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

bool is_among(const std::vector<KeyFile>& keys, const std::string& name) {
    return std::ranges::find(keys, name, &KeyFile::name) != keys.end();
}

void add_once(std::vector<KeyFile>& keys, const KeyFile& key) {
    if (std::ranges::find(keys, key) == keys.end()) {
        keys.push_back(key);
    }
}

}  // namespace

std::vector<KeyFile> keys_on_volumes(const RestoreFacts& facts) {
    std::vector<KeyFile> keys;
    for (const KeyVolume& volume : facts.key_volumes) {
        for (const std::string& name : volume.key_files) {
            if (name.find(kAzureKeyName) != std::string::npos) {
                keys.push_back({.volume = volume.device, .name = name});
            }
        }
    }
    return keys;
}

std::vector<KeyFile> keys_for(const WantedVolume& volume, const RestoreFacts& facts) {
    std::vector<KeyFile> keys;
    const std::string& named = volume.key_file();
    const std::string name = name_in(named);
    const std::vector<KeyFile> on_volumes = keys_on_volumes(facts);
    for (const KeyFile& key : on_volumes) {
        if (!name.empty() && key.name == name) {
            add_once(keys, key);
        }
    }
    if (!named.empty() && keys.empty()) {
        add_once(keys, {"", under_root(facts, named), key_part(volume.crypttab.options)});
    }
    if (volume.of_azure()) {
        for (const KeyFile& key : on_volumes) {
            add_once(keys, key);
        }
        // While the encryption of a disk is under way, and on confidential machines.
        const std::string folder(kAzureFolder);
        add_once(keys, {"", under_root(facts, folder + "cleartext_key" + volume.name), {}});
        add_once(keys, {"", under_root(facts, folder + std::string(kAzureKeyName)), {}});
    }
    return keys;
}

bool is_told_by_place(const WantedVolume& volume) {
    return uuid_of(volume).empty() && volume.kept_in.empty() && volume.header_file().empty();
}

std::string owner_of(const KeyFile& key, const RestoreFacts& facts) {
    if (key.volume.empty() || facts.unclear_keys.contains(key.name)) {
        return "";
    }
    std::string owner;
    for (const WantedVolume& volume : wanted_volumes(facts)) {
        if (name_in(volume.key_file()) == key.name) {
            if (!owner.empty()) {
                return "";
            }
            owner = volume.name;
        }
    }
    return owner;
}

bool names_lost_key(const WantedVolume& volume, const std::vector<KeyFile>& keys) {
    const std::string& named = volume.key_file();
    return named.find(kAzureKeyName) != std::string::npos && !keys.empty() &&
           !is_among(keys, name_in(named));
}

}  // namespace stillpoint
