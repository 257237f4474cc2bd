// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "platform/restore_system.h"

namespace stillpoint::linux_os {

/// Decrypts the beginning of a device into memory and has libblkid look at that. No value: this
/// cipher is not decrypted here. Errors: volume_unreadable.
Result<std::optional<DeviceContent>> decrypted_content(const std::string& device,
                                                       const VolumeKey& key);

}  // namespace stillpoint::linux_os
