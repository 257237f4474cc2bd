// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace stillpoint::linux_os {

/// The files at the top of a vfat volume, small ones alone. It is mounted read-only in a mount
/// namespace of one thread, which goes away with the thread: nobody sees it, nothing is left over.
/// Errors: volume_unreadable.
Result<std::map<std::string, Secret>> read_key_volume(const std::string& device);

/// No value: there is no such file. Errors: file_unreadable (also: too large for a key).
Result<std::optional<Secret>> read_key_file(const std::string& path);

}  // namespace stillpoint::linux_os
