// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "restore/facts.h"

namespace stillpoint {

/// The table that a volume stands in; none: it was opened by other means.
enum class VolumeTable { crypttab, azure_crypt_mount, none };

/// An encrypted volume that the machine had.
struct WantedVolume {
    std::string name;  // it is opened under
    VolumeTable table = VolumeTable::crypttab;
    /// The line as it should be, but for what turns out to have changed.
    CrypttabEntry crypttab;      // of VolumeTable::crypttab; of none: what one would say
    AzureCryptMountEntry azure;  // of VolumeTable::azure_crypt_mount
    bool has_line = false;       // the table has its line now
    std::string line_from;       // where the line is taken from, when it has none: "the passport"
    const EncryptedVolume* recorded = nullptr;  // the passport's; null: it has none
    std::string kept_in;  // the device whose filesystem keeps the line; empty: none

    const std::string& device() const;    // as the line names it
    std::string header_file() const;      // inside the root; empty: none
    const std::string& key_file() const;  // inside the root; empty: none
    bool of_azure() const;
    /// Opened by hand alone ("noauto"), and closed at the backup.
    bool stays_closed() const;
};

/// What the tables, the passport and the lines kept inside filesystems name, each once, in that
/// order. Left out are the system's own volume, which is open before anything of ours runs, and
/// those with a new key at every start (swap, temporary files). Refers to `facts`.
std::vector<WantedVolume> wanted_volumes(const RestoreFacts& facts);

/// Swap and temporary files: each start writes over what is on the device.
bool has_new_key_each_time(const CrypttabEntry& entry);

/// Without "." and doubled or trailing slashes.
std::string plain_path(const std::string& path);

/// The folders that tables and passport name, inside the root: where something is mounted.
std::set<std::string> named_folders(const RestoreFacts& facts);

/// The path as it is now: below the root's folder, links followed where it is one of these.
std::string under_root(const RestoreFacts& facts, const std::string& path);

/// By its path or one of its links; null: there is none.
const RestoreDevice* device_at(const RestoreFacts& facts, const std::string& path);

/// As device_at; also "UUID=", "LABEL=" and "PARTUUID=", if exactly one device is meant.
const RestoreDevice* device_named(const RestoreFacts& facts, const std::string& source);

}  // namespace stillpoint
