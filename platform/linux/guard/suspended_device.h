// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/device_number.h"

namespace stillpoint::linux_os {

/// Device-mapper has suspended the device below a filesystem, and has not resumed it before
/// `until`. Whether it froze the filesystem as well or not: a flush would wait for as long, so this
/// is asked before. LVM suspends devices for milliseconds while it changes them. Only the device
/// that carries the filesystem is looked at; false for all that are not device-mapper's.
bool stays_suspended(DeviceNumber device, Instant until);

}  // namespace stillpoint::linux_os
