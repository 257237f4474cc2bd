// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "encryption/survey.h"
#include "encryption/tables.h"
#include "platform/encryption_sources.h"

namespace stillpoint {

/// What Azure Disk Encryption left, by the extension's folder, its own files and the BEK volume.
AdeFacts ade_facts(const EncryptionSources& sources, const std::vector<CrypttabEntry>& crypttab);

/// While a volume is encrypted in place its key lies beside the machine's settings, in a file whose
/// name begins so. Source: VMEncryption in azure-linux-extensions.
inline constexpr std::string_view kCleartextKey = "cleartext_key";

/// Whether a key file of Azure Disk Encryption may have this name.
bool is_key_file_name(std::string_view name);

/// "1.4.0.5" before "1.10.0.0".
bool is_older_version(std::string_view left, std::string_view right);

}  // namespace stillpoint
