// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "platform/linux/guard/open_mount.h"

namespace stillpoint::linux_os {

/// How many bytes of a mounted filesystem are in use, as df(1) counts them. Looks only at the mount
/// that is named: when another one has taken its place, it is not asked. Errors:
/// mount_not_openable.
Result<std::uint64_t> used_bytes(const MountPlace& place);

}  // namespace stillpoint::linux_os
