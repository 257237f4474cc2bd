// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "encryption/tables.h"
#include "platform/encryption_sources.h"

namespace stillpoint {

/// What crypttab or azure_crypt_mount say of one volume.
struct ListedVolume {
    std::string name;    // it is opened under
    std::string device;  // as the table has it
    std::string header_file;
    std::string key_file;
    bool plain = false;   // it may have no header
    bool tcrypt = false;  // TrueCrypt's or VeraCrypt's, which nobody can tell from plain ones
    // Of plain ones, which have no header to say it; empty and 0: the default of what opens it.
    std::string cipher;
    int key_bits = 0;
    bool of_azure = false;
    bool cleartext_key = false;
};

/// The tables of a machine, read.
struct EncryptionTables {
    Table<CrypttabEntry> crypttab;
    Table<FstabEntry> fstab;
    Table<AzureCryptMountEntry> azure_crypt_mount;
    std::vector<FoundFile> key_files;  // that crypttab names and that are there

    /// Each volume once; azure_crypt_mount's word before crypttab's where it rules.
    std::vector<ListedVolume> volumes() const;
};

EncryptionTables read_tables(const EncryptionSources& sources);

/// The machine's sources, with the files that its tables name looked up.
EncryptionSources gather_sources(const EncryptionSourceReader& reader, const Inventory& inventory);

/// What may be recorded of the tables: of fstab only lines of local devices, since others may hold
/// passwords, and no PIN.
std::vector<CrypttabEntry> recorded_crypttab(const EncryptionTables& tables);
std::vector<FstabEntry> recorded_fstab(const EncryptionTables& tables);

}  // namespace stillpoint
