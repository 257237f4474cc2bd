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

/// Its line tells the device by no more than a place, and nothing else tells more.
bool is_told_by_place(const WantedVolume& volume);

/// Whose key file this is: the one volume whose line names it. Empty: none, or it tells nothing,
/// because several lines name it, or its name does not stand for one key.
std::string owner_of(const KeyFile& key, const RestoreFacts& facts);

/// The line names a key file that no key volume has: it would not open at the next start.
bool names_lost_key(const WantedVolume& volume, const std::vector<KeyFile>& keys);

}  // namespace stillpoint
