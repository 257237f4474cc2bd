// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace stillpoint {

/// The handler commands that take a version away. A backup under way ends first: its guard and its
/// status document must not vanish under it. The exit code, always 0: a failing `disable` would
/// keep the version on the machine.
int disable();

}  // namespace stillpoint
