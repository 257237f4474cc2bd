// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encryption/tables.h"
#include "platform/encryption_headers.h"

namespace stillpoint {

inline constexpr std::string_view kAzureConfigFolder = "/var/lib/azure_disk_encryption_config";

/// A filesystem that is mounted from an encrypted volume, or through LVM or RAID on it.
struct EncryptedMount {
    std::string mount_point;
    std::string type;
    std::string uuid;    // of the filesystem; empty: not known
    std::string source;  // "/dev/mapper/data", "/dev/vg/data"

    bool operator==(const EncryptedMount&) const = default;
};

/// Where the keys are kept, as the host said it: URLs with their versions, no key.
struct KeyUrls {
    std::string secret;          // empty: not known
    std::string key_encryption;  // empty: there is none (BEK only), or not known
    std::string vault;           // the key vault's resource id, where it was said

    bool operator==(const KeyUrls&) const = default;
};

/// One volume whose content is encrypted.
struct EncryptedVolume {
    std::string device;       // the kernel's name of what holds the ciphertext: "sdc1", "dm-2"
    std::string device_path;  // as crypttab names it, else "/dev/sdc1"
    std::vector<std::string> disks;  // whole disks beneath, by the kernel's name
    std::vector<int> luns;           // theirs, where known; -1: the OS disk
    std::uint64_t size_bytes = 0;
    std::string mapper;       // the name it is, or would be, opened under; empty: none is known
    bool open = false;        // it was open when looked at
    std::string header_file;  // a detached header; empty: it is on the device, or there is none
    std::vector<std::string> header_disks;  // those that the detached header lies on
    EncryptionHeader header;
    /// How it is stacked: "LVM on crypt", "crypt on LVM", "RAID on crypt", "crypt on RAID".
    std::vector<std::string> stacking;
    std::vector<std::string> volume_groups;  // LVM, on it
    std::vector<EncryptedMount> mounts;      // of each filesystem the best one first
    std::string key_file;                    // its path, never read; empty: none is named
    bool key_file_present = false;
    bool of_azure = false;  // Azure Disk Encryption's
    /// Only a TPM, Clevis or the like opens it by itself: not on another machine.
    bool bound_to_machine = false;
    KeyUrls keys;

    bool operator==(const EncryptedVolume&) const = default;
};

enum class AdeGeneration {
    none,         // no sign of Azure Disk Encryption
    dual_pass,    // extension 0.*: settings in the model of the virtual machine
    single_pass,  // extension 1.*: settings on each disk
    unknown,      // signs of it, but not of which
};

/// What Azure Disk Encryption left on the machine.
struct AdeFacts {
    AdeGeneration generation = AdeGeneration::none;
    std::string bek_device;       // the volume labelled "BEK VOLUME"; empty: none
    std::string bek_mount_point;  // empty: not mounted
    /// Names on it and in the configuration folder, clear-text keys too; never read.
    std::vector<std::string> key_files;
    std::string volume_type;  // azure_crypt_config.ini: "Data", "OS", "All"
    std::string secret_sequence;
    std::string extension_version;  // of the extension that is installed; empty: none is

    bool operator==(const AdeFacts&) const = default;
};

/// A machine's encryption at one moment. Without any secret: this is what `stillpoint encryption`
/// prints, what a backup records, and what the passport carries.
struct EncryptionSurvey {
    std::vector<EncryptedVolume> volumes;
    AdeFacts ade;
    bool vfat_available = true;  // the BEK volume can be mounted
    std::string vfat_problem;    // why it cannot
    /// The lines as they stood; of fstab only those of local devices (others may hold passwords).
    std::vector<CrypttabEntry> crypttab;
    std::vector<FstabEntry> fstab;
    std::vector<AzureCryptMountEntry> azure_crypt_mount;
    std::vector<std::string> notes;  // what was left out, and what is odd, as sentences
    std::vector<std::string> gaps;   // what could not be read, as sentences

    bool operator==(const EncryptionSurvey&) const = default;
};

}  // namespace stillpoint
