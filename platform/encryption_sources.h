// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/device_number.h"
#include "platform/inventory.h"

namespace stillpoint {

/// A file that is there, by lstat(2) alone: it was not opened.
struct FoundFile {
    std::string path;       // as it was asked for: "/boot/luks/osluksheader"
    std::string read_path;  // where it is to be read, symbolic links followed
    DeviceNumber device;    // of the mount that it lies on
    bool block_device = false;

    bool operator==(const FoundFile&) const = default;
};

/// What of a machine's encryption is told by files and names, beside its block devices. A text that
/// has no value has no file. Nothing here is a key: files that hold keys are named, never opened.
struct EncryptionSources {
    std::optional<std::string> crypttab;
    std::optional<std::string> fstab;
    std::optional<std::string> azure_crypt_mount;
    std::optional<std::string> azure_crypt_config;  // azure_crypt_config.ini
    /// The names in /var/lib/azure_disk_encryption_config, and on the mounted BEK volume.
    std::vector<std::string> azure_config_names;
    std::vector<std::string> bek_names;
    std::string bek_mount_point;
    std::string bek_device;  // the kernel's name of the volume labelled "BEK VOLUME": "sdb1"
    /// The links below /dev/disk and /dev/mapper, each with the kernel's name of the device it
    /// leads to: {"/dev/disk/by-uuid/0a1b-2c3d", "sdb1"}.
    std::map<std::string, std::string> links;
    /// Files with detached headers where Azure Disk Encryption puts them.
    std::vector<FoundFile> header_files;
    /// Header files and key files that the tables name and that are there. The latter are never
    /// opened.
    std::vector<FoundFile> named_headers;
    std::vector<FoundFile> named_keys;
    std::string no_vfat_because;  // a sentence; empty: the BEK volume's filesystem can be mounted
    /// Versions of the Azure Disk Encryption extension that are installed.
    std::vector<std::string> ade_versions;
    std::vector<std::string> gaps;  // what could not be read, as sentences
};

class EncryptionSourceReader {
public:
    virtual ~EncryptionSourceReader() = default;

    virtual EncryptionSources read(const Inventory& inventory) const = 0;

    /// Those of `paths` that are there. What lies on a filesystem that may hang, of the network or
    /// of a user's process, counts as not there.
    virtual std::vector<FoundFile> find(const Inventory& inventory,
                                        const std::vector<std::string>& paths) const = 0;
};

}  // namespace stillpoint
