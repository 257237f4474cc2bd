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

/// Where a volume's line tells its device by no more than a place: the name of the key file on a
/// key volume that it names. Empty: there is none, or the device is told by more.
std::string key_by_place(const WantedVolume& volume, const RestoreFacts& facts);

/// No other line names this key file, and its name stands for one key.
bool tells_the_device(const std::string& key, const WantedVolume& volume,
                      const RestoreFacts& facts);

/// The line names a key file that no key volume has: it would not open at the next start.
bool names_lost_key(const WantedVolume& volume, const std::vector<KeyFile>& keys);

}  // namespace stillpoint
