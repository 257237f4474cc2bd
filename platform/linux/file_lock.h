// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// A lock that the kernel gives back when every process that has its descriptor ended, however it
/// ended. No value: somebody else holds it until `until`. Errors: file_unwritable.
Result<std::optional<UniqueFd>> lock_file(const std::string& path, Instant until);

}  // namespace stillpoint::linux_os
