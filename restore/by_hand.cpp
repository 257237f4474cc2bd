// SPDX-License-Identifier: Apache-2.0
#include "base/format.h"
#include "restore/choice.h"

namespace stillpoint {
namespace {

std::string key_advice(const WantedVolume& volume) {
    if (!volume.of_azure()) {
        return fmt::format(
            "the key of '{}' is not Azure's: put the key file back where its line names it, or "
            "open it with 'cryptsetup open' and its passphrase, then start this again",
            volume.name);
    }
    KeyUrls keys;
    if (volume.recorded != nullptr) {
        keys = volume.recorded->keys;
    }
    const auto or_else = [](const std::string& url, std::string_view words) {
        return url.empty() ? std::string(words) : "'" + url + "'";
    };
    return fmt::format(
        "the key of '{}': the secret (with its version) is {}, the key that wraps it {}, the key "
        "vault {}. When it was deleted: recover it in the vault as long as that keeps deleted "
        "secrets, else take it from the vmencryption_config.json that the restore job left in its "
        "storage account: KeyBackupData is restored as the wrapping key, SecretData as the secret, "
        "with KeyVaultSecretBackupData where no key wraps it. Then attach the volume 'BEK VOLUME' "
        "with it and start this again",
        volume.name, or_else(keys.secret, "unknown"),
        or_else(keys.key_encryption, "none, or unknown"), or_else(keys.vault, "unknown"));
}

std::string advice(const WantedVolume& volume, Code why) {
    switch (why) {
        case Code::key_missing:
        case Code::key_mismatch:
        case Code::file_unreadable:
            return key_advice(volume);
        case Code::encryption_unsupported:
            return fmt::format(
                "'{}' cannot be proven here, the system's own cryptsetup may know its cipher: open "
                "it under that name with 'cryptsetup open', then start this again",
                volume.name);
        case Code::header_damaged:
            return fmt::format(
                "the header of '{}': put one back from a copy, if one was made with 'cryptsetup "
                "luksHeaderBackup', or restore the disk from another recovery point; without its "
                "header nothing opens the volume, not even its key",
                volume.name);
        default:
            return "";
    }
}

}  // namespace

std::vector<std::string> left_for_people(const std::vector<ChosenVolume>& volumes) {
    std::vector<std::string> by_hand;
    bool azure = false;
    for (const ChosenVolume& volume : volumes) {
        azure = azure || volume.wanted.of_azure();
        if (volume.left) {
            if (std::string what = advice(volume.wanted, volume.left->code); !what.empty()) {
                by_hand.push_back(std::move(what));
            }
        }
    }
    if (azure) {
        by_hand.push_back(
            "Azure does not know yet that the disks are encrypted: install the Azure Disk "
            "Encryption extension on this machine again (in the portal under the disks' encryption "
            "settings, or with 'az vm encryption enable' and the same key vault), and never with "
            "the option that formats the disks");
    }
    return by_hand;
}

}  // namespace stillpoint
