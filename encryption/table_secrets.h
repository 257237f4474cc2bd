// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "encryption/tables.h"
#include "platform/encryption_sources.h"

namespace stillpoint {

/// The line without what may be a password in it: PINs of PKCS#11 URIs, the argument of a script
/// that makes the key, the values of options that are passwords. Nothing else of a table may be
/// recorded or printed. `key_files` are those that were found: what is one of them is no
/// passphrase.
CrypttabEntry without_secrets(CrypttabEntry entry, const std::vector<FoundFile>& key_files = {});
FstabEntry without_secrets(FstabEntry entry);

}  // namespace stillpoint
