// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_encryption.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/format.h"
#include "encryption/ade_facts.h"
#include "encryption/detached_headers.h"
#include "encryption/device_finder.h"
#include "encryption/listed_volumes.h"
#include "encryption/volume_facts.h"

namespace stillpoint {
namespace {

/// One survey under way; run() is the whole of it, in order.
class Surveyor {
public:
    Surveyor(const Inventory& inventory, const EncryptionSources& sources,
             const EncryptionHeaders& headers)
        : inventory_(inventory),
          sources_(sources),
          headers_(headers),
          finder_(inventory, sources),
          tables_(read_tables(sources)),
          listed_(tables_.volumes()),
          detached_(sources, headers, survey_.gaps) {
        for (const Superblock& superblock : superblocks_of(inventory, finder_.graph())) {
            mounted_.insert(superblock.devices.begin(), superblock.devices.end());
        }
        for (const ListedVolume& one : listed_) {
            if (const BlockDevice* device = finder_.find(one.device)) {
                listed_on_.emplace(device->name, &one);
            }
        }
    }

    EncryptionSurvey run() {
        take_over_tables();
        survey_.ade = ade_facts(sources_, survey_.crypttab);
        survey_.vfat_problem = sources_.no_vfat_because;
        survey_.vfat_available = survey_.vfat_problem.empty();
        for (const BlockDevice& device : inventory_.devices) {
            consider(device);
        }
        note_what_is_not_there();
        note_twins();
        return std::move(survey_);
    }

private:
    void take_over_tables() {
        survey_.crypttab = recorded_crypttab(tables_);
        survey_.fstab = recorded_fstab(tables_);
        survey_.azure_crypt_mount = tables_.azure_crypt_mount.entries();
        take_over(sources_.gaps);
        take_over(tables_.crypttab.problems);
        take_over(tables_.fstab.problems);
        take_over(tables_.azure_crypt_mount.problems);
    }

    void take_over(const std::vector<std::string>& gaps) {
        survey_.gaps.insert(survey_.gaps.end(), gaps.begin(), gaps.end());
    }

    /// By the name it is open under, else by its device.
    const ListedVolume* listed(const BlockDevice& device, const BlockDevice* opened) const {
        if (opened != nullptr) {
            const auto named = std::ranges::find(listed_, opened->dm_name, &ListedVolume::name);
            if (named != listed_.end()) {
                return &*named;
            }
        }
        const auto found = listed_on_.find(device.name);
        return found == listed_on_.end() ? nullptr : found->second;
    }

    /// Something else than an encrypted volume begins where this device does, or a device above it
    /// begins there too and is looked at instead.
    bool holds_something_else(const BlockDevice& device) const {
        // A drive without a disc cannot be read, and is nothing to tell of.
        return device.kind == BlockKind::other || mounted_.contains(device.name) ||
               std::ranges::any_of(finder_.graph().above(device.name), [](const auto* above) {
                   return above->kind == BlockKind::partition || above->kind == BlockKind::md ||
                          above->kind == BlockKind::dm_multipath;
               });
    }

    void consider(const BlockDevice& device) {
        if (device.size_bytes == 0 || is_subdevice(device)) {
            return;
        }
        const BlockDevice* opened = opened_from(device, finder_.graph());
        const ListedVolume* line = listed(device, opened);
        if (opened == nullptr && line == nullptr && holds_something_else(device)) {
            return;
        }
        if (const std::string why = why_left_out(device); !why.empty()) {
            if (opened != nullptr || line != nullptr) {
                survey_.notes.push_back(fmt::format(
                    "the encrypted volume on '{}' is left out: it lies on {}", device.name, why));
            }
            return;
        }
        Result<std::optional<EncryptionHeader>> header =
            headers_.read({.path = "/dev/" + device.name});
        if (opened == nullptr && line == nullptr && (!header || !*header)) {
            if (!header) {
                survey_.gaps.push_back(header.error().sentence());
            }
            return;
        }
        if (opened == nullptr && header && !*header && mounted_.contains(device.name)) {
            survey_.notes.push_back(
                fmt::format("'{}' is to be opened from '{}', on which a filesystem is mounted",
                            line->name, line->device));
            return;
        }
        add(device, opened, line, std::move(header));
    }

    void add(const BlockDevice& device, const BlockDevice* opened, const ListedVolume* line,
             Result<std::optional<EncryptionHeader>> attached) {
        EncryptedVolume volume = volume_on(device, opened, finder_);
        if (line != nullptr) {
            volume.mapper = opened == nullptr ? line->name : volume.mapper;
            volume.device_path = line->device;
            volume.of_azure = line->of_azure;
        }
        const bool on_device = attached && *attached;
        const DetachedHeader* header = nullptr;
        if (!on_device || rules_over(line, opened, **attached)) {
            header =
                detached_.find(line == nullptr ? "" : line->header_file, volume.mapper, opened);
        }
        if (on_device && header == nullptr) {
            volume.header = std::move(**attached);
            note_other_uuid(volume, opened);
        } else if (header != nullptr) {
            if (on_device) {
                survey_.notes.push_back(fmt::format(
                    "'{}' has a header of its own, which '{}' is not opened with: its line names "
                    "'{}'",
                    volume.device, volume.mapper, header->file.path));
            }
            volume.header_file = header->file.path;
            volume.header_disks = disks_of(header->file);
            volume.header = header->recognised ? header->header : without_header(opened, line);
            volume.header.state = header->header.state;
            volume.header.problem = header->header.problem;
        } else {
            volume.header = without_header(opened, line);
            if (!attached) {
                volume.header.state = HeaderState::not_understood;
                volume.header.problem = attached.error().sentence();
                survey_.gaps.push_back(volume.header.problem);
            }
            volume.header_file = line == nullptr ? "" : line->header_file;
        }
        volume.of_azure = volume.of_azure || has_azure_token(volume.header) ||
                          volume.header_file.starts_with(kAzureConfigFolder);
        set_key_file(volume, line, sources_);
        volume.bound_to_machine = is_bound_to_machine(volume.header);
        survey_.volumes.push_back(std::move(volume));
    }

    /// The line names a file for the header: one that the device still has is of an earlier life.
    static bool rules_over(const ListedVolume* line, const BlockDevice* opened,
                           const EncryptionHeader& on_device) {
        return line != nullptr && !line->header_file.empty() &&
               (opened == nullptr || is_of_uuid(*opened, on_device.uuid) != true);
    }

    std::vector<std::string> disks_of(const FoundFile& file) const {
        if (file.block_device) {
            const BlockDevice* device = finder_.find(file.read_path);
            return device == nullptr ? std::vector<std::string>() : finder_.disks(*device);
        }
        return finder_.disks_of_mount(file.device);
    }

    std::string why_left_out(const BlockDevice& device) const {
        for (const BlockDevice* beneath : finder_.graph().beneath({device.name})) {
            if (beneath->place.resource_disk || beneath->place.local) {
                return fmt::format("the temporary disk '{}'", beneath->name);
            }
            if (beneath->place.remote) {
                return fmt::format("'{}', another machine's disk", beneath->name);
            }
        }
        return "";
    }

    void note_other_uuid(const EncryptedVolume& volume, const BlockDevice* opened) {
        if (opened != nullptr && !volume.header.uuid.empty() &&
            is_of_uuid(*opened, volume.header.uuid) == false) {
            survey_.notes.push_back(
                fmt::format("the header on '{}' is not the one that '{}' was opened with",
                            volume.device, opened->dm_name));
        }
    }

    void note_what_is_not_there() {
        for (const ListedVolume& one : listed_) {
            const auto is_it = [&](const EncryptedVolume& volume) {
                return volume.mapper == one.name || volume.device_path == one.device;
            };
            if (finder_.find(one.device) == nullptr &&
                std::ranges::none_of(survey_.volumes, is_it)) {
                survey_.notes.push_back(fmt::format(
                    "'{}' is to be opened from '{}', which is not there", one.name, one.device));
            }
        }
        for (const DetachedHeader& one : detached_.all()) {
            if (one.recognised &&
                std::ranges::find(survey_.volumes, one.file.path, &EncryptedVolume::header_file) ==
                    survey_.volumes.end()) {
                survey_.notes.push_back(fmt::format(
                    "'{}' is a header, and it is not known of which volume", one.file.path));
            }
        }
    }

    /// A copy of a disk attached beside the original: which one a UUID means is chance.
    void note_twins() {
        std::map<std::string, std::string> first;
        for (const EncryptedVolume& volume : survey_.volumes) {
            if (volume.header.uuid.empty()) {
                continue;
            }
            const auto [known, is_new] = first.emplace(volume.header.uuid, volume.device);
            if (!is_new) {
                survey_.notes.push_back(fmt::format("'{}' and '{}' have the same UUID, {}",
                                                    known->second, volume.device,
                                                    volume.header.uuid));
            }
        }
    }

    const Inventory& inventory_;
    const EncryptionSources& sources_;
    const EncryptionHeaders& headers_;
    EncryptionSurvey survey_;
    DeviceFinder finder_;
    EncryptionTables tables_;
    std::vector<ListedVolume> listed_;
    DetachedHeaders detached_;
    std::set<std::string> mounted_;
    std::map<std::string, const ListedVolume*> listed_on_;
};

}  // namespace

EncryptionSurvey survey_encryption(const Inventory& inventory, const EncryptionSources& sources,
                                   const EncryptionHeaders& headers) {
    return Surveyor(inventory, sources, headers).run();
}

}  // namespace stillpoint
