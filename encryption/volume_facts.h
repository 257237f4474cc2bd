// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "encryption/device_finder.h"
#include "encryption/listed_volumes.h"
#include "encryption/survey.h"

namespace stillpoint {

// What single facts about a volume follow from.

/// dm-integrity beneath a LUKS2 volume, or verity: parts of other volumes, or not encrypted.
bool is_subdevice(const BlockDevice& device);

/// The device that `device`, as ciphertext, is open as; null: it is closed, or not encrypted.
const BlockDevice* opened_from(const BlockDevice& device, const DeviceGraph& graph);

/// Whether an open volume was opened with the header of this UUID; no value: it does not say.
std::optional<bool> is_of_uuid(const BlockDevice& opened, std::string_view uuid);

/// Device, disks, stacking and mounts.
EncryptedVolume volume_on(const BlockDevice& device, const BlockDevice* opened,
                          const DeviceFinder& finder);

/// What is known of a volume whose header is nowhere to be found.
EncryptionHeader without_header(const BlockDevice* opened, const ListedVolume* line);

bool has_azure_token(const EncryptionHeader& header);
bool is_bound_to_machine(const EncryptionHeader& header);

/// Where the volume's key file is and whether it is there.
void set_key_file(EncryptedVolume& volume, const ListedVolume* line,
                  const EncryptionSources& sources);

}  // namespace stillpoint
