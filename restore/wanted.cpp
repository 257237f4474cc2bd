// SPDX-License-Identifier: Apache-2.0
#include "restore/wanted.h"

#include <algorithm>
#include <array>

#include "restore/key_path.h"

namespace stillpoint {
namespace {

constexpr std::string_view kSystemVolume = "osencrypt";

/// Collects each volume once; who comes first names its line.
class Collector {
public:
    explicit Collector(const RestoreFacts& facts) : facts_(facts) {}

    void add(const CrypttabEntry& entry, bool has_line, std::string from,
             std::string kept_in = "") {
        if (entry.name == kSystemVolume || has_new_key_each_time(entry)) {
            return;
        }
        WantedVolume volume;
        volume.name = entry.name;
        volume.crypttab = entry;
        take(std::move(volume), has_line, std::move(from), std::move(kept_in));
    }

    void add(const AzureCryptMountEntry& entry, bool has_line, std::string from,
             std::string kept_in = "") {
        if (entry.name == kSystemVolume) {
            return;
        }
        WantedVolume volume;
        volume.name = entry.name;
        volume.table = VolumeTable::azure_crypt_mount;
        volume.azure = entry;
        take(std::move(volume), has_line, std::move(from), std::move(kept_in));
    }

    /// A volume that stood in no table, but was open.
    void add(const EncryptedVolume& recorded) {
        if (recorded.mapper.empty() || recorded.header.format == EncryptionFormat::plain) {
            return;
        }
        std::string options = "luks,nofail";
        if (!recorded.header_file.empty()) {
            options += ",header=" + recorded.header_file;
        }
        WantedVolume volume;
        volume.name = recorded.mapper;
        volume.crypttab = {recorded.mapper, recorded.device_path, recorded.key_file, options};
        // Azure Disk Encryption's always stand in one: then the backup could not read it.
        volume.table = recorded.of_azure ? VolumeTable::crypttab : VolumeTable::none;
        if (volume.name != kSystemVolume && !has_new_key_each_time(volume.crypttab)) {
            take(std::move(volume), false, "the passport", "");
        }
    }

    std::vector<WantedVolume> taken() { return std::move(volumes_); }

private:
    void take(WantedVolume volume, bool has_line, std::string from, std::string kept_in) {
        if (std::ranges::find(volumes_, volume.name, &WantedVolume::name) != volumes_.end()) {
            return;
        }
        volume.has_line = has_line;
        volume.line_from = std::move(from);
        volume.kept_in = std::move(kept_in);
        if (facts_.point) {
            for (const EncryptedVolume& one : facts_.point->encryption.volumes) {
                if (one.mapper == volume.name) {
                    volume.recorded = &one;
                }
            }
        }
        volumes_.push_back(std::move(volume));
    }

    const RestoreFacts& facts_;
    std::vector<WantedVolume> volumes_;
};

}  // namespace

const std::string& WantedVolume::device() const {
    return table == VolumeTable::azure_crypt_mount ? azure.device : crypttab.device;
}

std::string WantedVolume::header_file() const {
    return table == VolumeTable::azure_crypt_mount ? azure.header_file
                                                   : option_of(crypttab.options, "header");
}

const std::string& WantedVolume::key_file() const {
    // azure_crypt_mount names none: they are tried.
    return crypttab.key_file;
}

bool WantedVolume::of_azure() const {
    return table == VolumeTable::azure_crypt_mount || is_of_azure(crypttab) ||
           (recorded != nullptr && recorded->of_azure);
}

bool WantedVolume::stays_closed() const {
    return table == VolumeTable::crypttab && has_option(crypttab.options, "noauto") &&
           (recorded == nullptr || !recorded->open);
}

std::vector<WantedVolume> wanted_volumes(const RestoreFacts& facts) {
    Collector collector(facts);
    const auto crypttab = parse_crypttab(facts.crypttab.text.value_or(""));
    const auto azure = parse_azure_crypt_mount(facts.azure_crypt_mount.text.value_or(""));
    // As long as azure_crypt_mount rules, what crypttab may have is not of Azure Disk Encryption.
    for (const AzureCryptMountEntry& entry : azure.entries()) {
        collector.add(entry, true, "");
    }
    for (const CrypttabEntry& entry : crypttab.entries()) {
        collector.add(entry, true, "");
    }
    if (facts.point) {
        const EncryptionSurvey& then = facts.point->encryption;
        for (const AzureCryptMountEntry& entry : then.azure_crypt_mount) {
            collector.add(entry, false, "the passport");
        }
        for (const CrypttabEntry& entry : then.crypttab) {
            collector.add(entry, false, "the passport");
        }
        for (const EncryptedVolume& recorded : then.volumes) {
            collector.add(recorded);
        }
    }
    for (const auto& [device, lines] : facts.kept_lines) {
        const std::string from = "the lines kept inside '" + device + "'";
        for (const AzureCryptMountEntry& entry :
             parse_azure_crypt_mount(lines.azure_crypt_mount).entries()) {
            collector.add(entry, false, from, device);
        }
        for (const CrypttabEntry& entry : parse_crypttab(lines.crypttab).entries()) {
            collector.add(entry, false, from, device);
        }
    }
    return collector.taken();
}

bool has_new_key_each_time(const CrypttabEntry& entry) {
    return entry.key_file == "/dev/urandom" || entry.key_file == "/dev/random" ||
           has_option(entry.options, "swap") || has_option(entry.options, "tmp") ||
           !option_of(entry.options, "tmp").empty();
}

std::string plain_path(const std::string& path) {
    std::string plain;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (!part.empty() && part != ".") {
            plain += "/" + part;
        }
        at = end + 1;
    }
    return plain.empty() ? "/" : plain;
}

std::set<std::string> named_folders(const RestoreFacts& facts) {
    std::set<std::string> folders = {key_folder(facts)};
    const auto add = [&](const std::vector<FstabEntry>& lines) {
        for (const FstabEntry& entry : lines) {
            folders.insert(entry.mount_point);
        }
    };
    const auto add_azure = [&](const std::vector<AzureCryptMountEntry>& lines) {
        for (const AzureCryptMountEntry& entry : lines) {
            folders.insert(entry.mount_point);
        }
    };
    add(parse_fstab(facts.fstab.text.value_or("")).entries());
    add_azure(parse_azure_crypt_mount(facts.azure_crypt_mount.text.value_or("")).entries());
    if (facts.point) {
        add(facts.point->encryption.fstab);
        add_azure(facts.point->encryption.azure_crypt_mount);
        for (const EncryptedVolume& volume : facts.point->encryption.volumes) {
            for (const EncryptedMount& mount : volume.mounts) {
                folders.insert(mount.mount_point);
            }
        }
    }
    for (const auto& [device, lines] : facts.kept_lines) {
        add(parse_fstab(lines.fstab).entries());
        add_azure(parse_azure_crypt_mount(lines.azure_crypt_mount).entries());
    }
    std::erase_if(folders, [](const std::string& path) { return !path.starts_with('/'); });
    return folders;
}

std::string under_root(const RestoreFacts& facts, const std::string& path) {
    const std::string plain = plain_path(path);
    const auto found = facts.folders.find(plain);
    return found == facts.folders.end() ? facts.root + plain : found->second;
}

const RestoreDevice* device_at(const RestoreFacts& facts, const std::string& path) {
    for (const RestoreDevice& device : facts.devices) {
        if (device.path == path || device.path == "/dev/" + path ||
            "/dev/" + device.block.name == path ||
            std::ranges::find(device.links, path) != device.links.end()) {
            return &device;
        }
    }
    return nullptr;
}

const RestoreDevice* device_named(const RestoreFacts& facts, const std::string& source) {
    using Field = std::string (*)(const RestoreDevice&);
    constexpr std::array<std::pair<std::string_view, Field>, 3> kTags = {{
        {"UUID=", [](const RestoreDevice& device) { return device.content.uuid; }},
        {"LABEL=", [](const RestoreDevice& device) { return device.content.label; }},
        {"PARTUUID=", [](const RestoreDevice& device) { return device.part_uuid; }},
    }};
    for (const auto& [tag, field] : kTags) {
        if (!source.starts_with(tag)) {
            continue;
        }
        std::string value = source.substr(tag.size());
        if (value.size() > 1 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        const RestoreDevice* found = nullptr;
        for (const RestoreDevice& device : facts.devices) {
            if (!value.empty() && field(device) == value) {
                if (found != nullptr) {
                    return nullptr;
                }
                found = &device;
            }
        }
        return found;
    }
    return device_at(facts, source);
}

}  // namespace stillpoint
