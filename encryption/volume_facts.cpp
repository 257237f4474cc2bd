// SPDX-License-Identifier: Apache-2.0
#include "encryption/volume_facts.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "encryption/ade_facts.h"

namespace stillpoint {
namespace {

// Names that libcryptsetup gives to what it maps. Source: cryptsetup, lib/libdevmapper.c and
// lib/integrity/integrity.c.
constexpr std::string_view kCrypt = "CRYPT-";
constexpr std::string_view kIntegrityBeneath = "_dif";

/// "LUKS2" of "CRYPT-LUKS2-0123...-data".
std::string_view type_of(const BlockDevice& opened) {
    const std::string_view uuid = opened.dm_uuid;
    return uuid.starts_with(kCrypt)
               ? uuid.substr(kCrypt.size(), uuid.find('-', kCrypt.size()) - kCrypt.size())
               : std::string_view();
}

/// "vg" of LVM's "vg-data": a hyphen within a name is doubled.
std::string volume_group_of(std::string_view dm_name) {
    std::string group;
    for (std::size_t at = 0; at < dm_name.size(); ++at) {
        if (dm_name[at] == '-' && (at + 1 == dm_name.size() || dm_name[at + 1] != '-')) {
            break;
        }
        at += dm_name[at] == '-' ? 1 : 0;
        group += dm_name[at];
    }
    return group;
}

void add_stacking(EncryptedVolume& volume, const BlockDevice& device, const BlockDevice* opened,
                  const DeviceFinder& finder) {
    std::set<std::string> stacking;
    for (const BlockDevice* one : finder.graph().beneath({device.name})) {
        if (one->kind == BlockKind::dm_lvm) {
            stacking.insert("crypt on LVM");
        } else if (one->kind == BlockKind::md) {
            stacking.insert("crypt on RAID");
        }
    }
    std::set<std::string> groups;
    for (const BlockDevice* one :
         opened == nullptr ? std::vector<const BlockDevice*>() : finder.all_above(*opened)) {
        if (one->kind == BlockKind::dm_lvm) {
            stacking.insert("LVM on crypt");
            groups.insert(volume_group_of(one->dm_name));
        } else if (one->kind == BlockKind::md) {
            stacking.insert("RAID on crypt");
        }
    }
    volume.stacking.assign(stacking.begin(), stacking.end());
    volume.volume_groups.assign(groups.begin(), groups.end());
}

void add_mounts(EncryptedVolume& volume, const BlockDevice& opened, const DeviceFinder& finder) {
    const std::vector<const BlockDevice*> above = finder.all_above(opened);
    const auto is_ours = [&](const std::string& name) {
        return name == opened.name ||
               std::ranges::find(above, name, &BlockDevice::name) != above.end();
    };
    for (const Superblock& superblock : superblocks_of(finder.inventory(), finder.graph())) {
        const auto device = std::ranges::find_if(superblock.devices, is_ours);
        if (device != superblock.devices.end()) {
            // The best one first. Root may be a subvolume of what is mounted whole elsewhere.
            std::vector<const Mount*> mounts = superblock.mounts;
            std::ranges::stable_sort(mounts, [](const Mount* left, const Mount* right) {
                return is_better(*left, *right);
            });
            const int own = mounts.front()->namespace_pid;
            for (const Mount* mount : mounts) {
                EncryptedMount one{mount->mount_point, mount->type, finder.uuid_of(*device),
                                   mount->source};
                if (mount->namespace_pid == own &&
                    std::ranges::find(volume.mounts, one) == volume.mounts.end()) {
                    volume.mounts.push_back(std::move(one));
                }
            }
        }
    }
}

bool is_there(const std::string& path, const EncryptionSources& sources) {
    if (std::ranges::find(sources.named_keys, path, &FoundFile::path) != sources.named_keys.end()) {
        return true;
    }
    const std::string folder = path.substr(0, std::min(path.rfind('/'), path.size()));
    const std::string name = path.substr(folder.size() + (folder.size() < path.size() ? 1 : 0));
    // The BEK volume is not always mounted where the table has it.
    const std::vector<std::string>& names =
        folder == kAzureConfigFolder ? sources.azure_config_names : sources.bek_names;
    return (folder == kAzureConfigFolder || is_key_file_name(name)) &&
           std::ranges::find(names, name) != names.end();
}

/// Where Azure Disk Encryption keeps a volume's key when no table says it: by LUN, else the one for
/// all. Source: VMEncryption in azure-linux-extensions.
std::string azure_key_file(const EncryptedVolume& volume, const ListedVolume* line,
                           const EncryptionSources& sources) {
    if (line != nullptr && line->cleartext_key) {
        return fmt::format("{}/{}{}", kAzureConfigFolder, kCleartextKey, line->name);
    }
    const std::string folder =
        sources.bek_mount_point.empty() ? "/mnt/azure_bek_disk" : sources.bek_mount_point;
    const std::string for_all = folder + "/LinuxPassPhraseFileName";
    for (const int lun : volume.luns) {
        const std::string own = fmt::format("{}_1_{}", for_all, lun);
        if (lun >= 0 && is_there(own, sources)) {
            return own;
        }
    }
    return for_all;
}

}  // namespace

bool is_subdevice(const BlockDevice& device) {
    const std::string_view type = type_of(device);
    return type == "SUBDEV" || type == "VERITY" ||
           (type == "INTEGRITY" && device.dm_name.ends_with(kIntegrityBeneath));
}

const BlockDevice* opened_from(const BlockDevice& device, const DeviceGraph& graph) {
    for (const BlockDevice* above : graph.above(device.name)) {
        if (above->kind != BlockKind::dm_crypt || type_of(*above) == "VERITY") {
            continue;
        }
        if (is_subdevice(*above)) {
            return opened_from(*above, graph);
        }
        return above;
    }
    return nullptr;
}

std::optional<bool> is_of_uuid(const BlockDevice& opened, std::string_view uuid) {
    constexpr std::size_t kDigits = 32;
    std::string_view rest = opened.dm_uuid;
    rest.remove_prefix(std::min(kCrypt.size() + type_of(opened).size() + 1, rest.size()));
    const std::string_view digits = rest.substr(0, rest.find('-'));
    if (digits.size() != kDigits) {
        return std::nullopt;
    }
    std::string plain(uuid);
    std::erase(plain, '-');
    return digits == plain;
}

EncryptedVolume volume_on(const BlockDevice& device, const BlockDevice* opened,
                          const DeviceFinder& finder) {
    EncryptedVolume volume;
    volume.device = device.name;
    volume.device_path = "/dev/" + device.name;
    volume.disks = finder.disks(device);
    for (const std::string& disk : volume.disks) {
        const BlockDevice* whole = finder.graph().by_name(disk);
        if (whole != nullptr && whole->place.lun) {
            volume.luns.push_back(*whole->place.lun);
        }
    }
    volume.size_bytes = device.size_bytes;
    add_stacking(volume, device, opened, finder);
    if (opened != nullptr) {
        volume.open = true;
        volume.mapper = opened->dm_name;
        add_mounts(volume, *opened, finder);
    }
    return volume;
}

EncryptionHeader without_header(const BlockDevice* opened, const ListedVolume* line) {
    EncryptionHeader header;
    std::string_view type = opened == nullptr ? std::string_view() : type_of(*opened);
    if (type.empty() && line != nullptr && line->tcrypt) {
        type = "TCRYPT";
    }
    if (type == "PLAIN" || (type.empty() && line != nullptr && line->plain)) {
        header.format = EncryptionFormat::plain;
        if (line != nullptr) {
            header.cipher = line->cipher;
            header.key_bits = line->key_bits;
        }
        return header;
    }
    header.format = type == "LUKS1"       ? EncryptionFormat::luks1
                    : type == "BITLK"     ? EncryptionFormat::bitlk
                    : type == "INTEGRITY" ? EncryptionFormat::integrity
                    : type == "TCRYPT"    ? EncryptionFormat::plain
                                          : EncryptionFormat::luks2;
    header.state = HeaderState::not_understood;
    if (type == "TCRYPT") {
        header.problem = "it is a TrueCrypt or VeraCrypt volume";
    } else if (line != nullptr && !line->header_file.empty()) {
        header.problem = fmt::format("its header '{}' is not there", line->header_file);
    } else if (opened != nullptr) {
        header.problem = "no header is on it, and where a detached one lies is not known";
    } else {
        header.state = HeaderState::damaged;
        header.problem = "no header is on it, although it is to be opened at the start";
    }
    return header;
}

bool has_azure_token(const EncryptionHeader& header) {
    return std::ranges::any_of(
        header.tokens, [](const KeyToken& token) { return token.type == "Azure_Disk_Encryption"; });
}

bool is_bound_to_machine(const EncryptionHeader& header) {
    std::set<int> by_machine;
    for (const KeyToken& token : header.tokens) {
        if (token.type == "systemd-tpm2" || token.type == "clevis") {
            by_machine.insert(token.keyslots.begin(), token.keyslots.end());
        }
    }
    return !by_machine.empty() && std::ranges::all_of(header.keyslots, [&](const Keyslot& slot) {
        return !slot.bound || by_machine.contains(slot.number);
    });
}

void set_key_file(EncryptedVolume& volume, const ListedVolume* line,
                  const EncryptionSources& sources) {
    if (line != nullptr && !line->key_file.empty()) {
        volume.key_file = line->key_file;
    } else if (volume.of_azure) {
        volume.key_file = azure_key_file(volume, line, sources);
    }
    volume.key_file_present = !volume.key_file.empty() && is_there(volume.key_file, sources);
}

}  // namespace stillpoint
