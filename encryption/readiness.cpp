// SPDX-License-Identifier: Apache-2.0
#include "encryption/readiness.h"

#include <algorithm>
#include <array>

#include "base/format.h"
#include "encryption/ade_facts.h"
#include "encryption/header_changes.h"
#include "platform/device_graph.h"

namespace stillpoint {
namespace {

// Beyond these a restore job leaves the encryption settings of a disk out; its content stays
// encrypted. Source: learn.microsoft.com/azure/backup/restore-azure-encrypted-virtual-machines.
constexpr std::size_t kMostDisks = 16;
constexpr std::uint64_t kLargestDiskGiB = 4097;

class Readiness {
public:
    explicit Readiness(const ReadinessInput& input) : input_(input) {}

    std::vector<ReadinessWarning> run() {
        for (const EncryptedVolume& volume : input_.now.volumes) {
            look_at_header(volume);
            look_at_place(volume);
            look_at_key(volume);
        }
        look_at_azure();
        if (input_.last != nullptr) {
            for (ReadinessWarning& change : header_changes(input_)) {
                found_.push_back(std::move(change));
            }
        }
        return std::move(found_);
    }

private:
    void add(const char* id, std::string sentence) { found_.push_back({id, std::move(sentence)}); }
    void add(const char* id, const EncryptedVolume& volume, const std::string& sentence) {
        found_.push_back({id, fmt::format("{}: {}", shown(volume), sentence)});
    }

    bool is_included(const std::string& disk) const {
        return std::ranges::find(input_.disks, disk) != input_.disks.end();
    }

    bool is_included(const EncryptedVolume& volume) const {
        return std::ranges::any_of(volume.disks,
                                   [&](const std::string& disk) { return is_included(disk); });
    }

    void look_at_header(const EncryptedVolume& volume) {
        const EncryptionHeader& header = volume.header;
        switch (header.state) {
            case HeaderState::sound:
                break;
            case HeaderState::one_copy_damaged:
                add("header_copy_damaged", volume,
                    "one of the two copies of its header is damaged: " + header.problem);
                break;
            case HeaderState::damaged:
                add("header_damaged", volume,
                    "its header is damaged, nothing opens it: " + header.problem);
                break;
            case HeaderState::not_understood:
                add("header_unreadable", volume, "its header cannot be read: " + header.problem);
                break;
        }
        if (header.reencrypting && is_included(volume)) {
            add("reencryption", volume,
                "it is being encrypted anew: this point holds it half-way, with a header that only "
                "fits it as it is now");
        }
        if (volume.bound_to_machine) {
            add("bound_to_machine", volume,
                "only this machine's TPM (or Clevis) opens it: on another machine it stays closed");
        }
    }

    void look_at_place(const EncryptedVolume& volume) {
        if (!is_included(volume)) {
            return;
        }
        for (const std::string& disk : volume.header_disks) {
            if (!is_included(disk)) {
                add("header_on_excluded_disk", volume,
                    fmt::format("its header '{}' lies on disk '{}', which is not in this point: "
                                "without it nothing opens the volume",
                                volume.header_file, disk));
            }
        }
    }

    /// A file that is looked for. Not so what is made up at the start ("/dev/urandom"), what lies
    /// on a volume that is mounted for that alone ("/key:LABEL=usb"), and what another machine
    /// serves. Source: crypttab(5) of systemd.
    bool can_be_seen(std::string_view key_file) const {
        constexpr std::array<std::string_view, 5> kOnVolume = {
            ":/dev/", ":UUID=", ":LABEL=", ":PARTUUID=", ":PARTLABEL="};
        if (!key_file.starts_with('/') || key_file.starts_with("/dev/") ||
            std::ranges::any_of(kOnVolume, [&](std::string_view sign) {
                return key_file.find(sign) != std::string_view::npos;
            })) {
            return false;
        }
        const Mount* mount = mount_of(key_file, input_.inventory);
        return mount == nullptr || is_local(*mount);
    }

    void look_at_key(const EncryptedVolume& volume) {
        if (!can_be_seen(volume.key_file)) {
            return;
        }
        // Azure Disk Encryption does not keep the volume with the keys mounted everywhere.
        const bool out_of_sight = is_key_file_name(volume.key_file) &&
                                  !input_.now.ade.bek_device.empty() &&
                                  input_.now.ade.bek_mount_point.empty();
        if (!out_of_sight && !volume.key_file_present) {
            add("key_file_missing", volume,
                fmt::format("its key file '{}' is not there", volume.key_file));
        }
    }

    void look_at_azure() {
        const auto of_azure = [](const EncryptedVolume& volume) { return volume.of_azure; };
        const AdeFacts& ade = input_.now.ade;
        const bool any = std::ranges::any_of(input_.now.volumes, of_azure);
        if (!input_.now.vfat_available && (any || !ade.bek_device.empty())) {
            add("vfat_missing", fmt::format("the volume with the keys cannot be mounted: {}",
                                            input_.now.vfat_problem));
        }
        const auto is_cleartext = [](std::string_view name) {
            return name.starts_with(kCleartextKey);
        };
        if (std::ranges::any_of(ade.key_files, is_cleartext) ||
            std::ranges::any_of(input_.now.azure_crypt_mount,
                                &AzureCryptMountEntry::cleartext_key)) {
            add("cleartext_key",
                "a key lies unprotected on the OS disk: Azure Disk Encryption is under way, and "
                "this point holds it");
        }
        if (any) {
            look_at_limits();
        }
    }

    void look_at_limits() {
        // The disk with the keys is the platform's and has no such settings: it does not count.
        const auto keys = std::ranges::find(input_.inventory.devices, input_.now.ade.bek_device,
                                            &BlockDevice::name);
        const bool keys_included =
            keys != input_.inventory.devices.end() && is_included(keys->disk);
        const std::size_t disks = input_.disks.size() - (keys_included ? 1 : 0);
        if (disks > kMostDisks) {
            add("too_many_disks",
                fmt::format("{} disks are in this point: with more than {} a restore job does not "
                            "set up their encryption settings",
                            disks, kMostDisks));
        }
        for (const BlockDevice& device : input_.inventory.devices) {
            if (is_included(device.name) && device.size_bytes > kLargestDiskGiB << 30U) {
                add("disk_too_large",
                    fmt::format("'{}' is larger than {} GB: a restore job does not set up its "
                                "encryption settings",
                                device.name, kLargestDiskGiB));
            }
        }
    }

    const ReadinessInput& input_;
    std::vector<ReadinessWarning> found_;
};

}  // namespace

std::vector<ReadinessWarning> readiness(const ReadinessInput& input) {
    return Readiness(input).run();
}

}  // namespace stillpoint
