// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "restore/facts.h"
#include "restore/wanted.h"

namespace stillpoint {

/// All of Azure Disk Encryption's that lie on volumes made for keys.
std::vector<KeyFile> keys_on_volumes(const RestoreFacts& facts);

/// The one that its line names, and for a volume of Azure Disk Encryption the others it may have.
std::vector<KeyFile> keys_for(const WantedVolume& volume, const RestoreFacts& facts);

/// The name of a key file on a key volume that this volume's line names and no other's; empty:
/// there is none.
std::string own_key(const WantedVolume& volume, const RestoreFacts& facts);

/// The line names a key file that no key volume has: it would not open at the next start.
bool names_lost_key(const WantedVolume& volume, const std::vector<KeyFile>& keys);

}  // namespace stillpoint
