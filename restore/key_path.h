// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/facts.h"

namespace stillpoint {

/// The label that Azure Disk Encryption gives the volume with the key files.
inline constexpr std::string_view kKeyVolumeLabel = "BEK VOLUME";

/// Whether the line mounts the volume with the key files.
bool is_key_volume(const FstabEntry& entry);

/// Where Azure Disk Encryption mounts that volume, inside the root.
std::string key_folder(const RestoreFacts& facts);

/// Where a key volume is mounted or, if it is not, would be.
std::string place_of(const RestoreFacts& facts, const KeyVolume& volume);

/// The path of a key file as it is when its volume is mounted.
std::string path_of(const RestoreFacts& facts, const KeyFile& key);

/// How crypttab should name the key file: as it does, as long as that leads to it.
std::string key_for_line(const RestoreFacts& facts, const KeyFile& key, const std::string& named);

}  // namespace stillpoint
