// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace stillpoint {

/// The handler commands that take a version away. Backups under way end first: their guard and
/// their status document must not vanish under them. The exit code, always 0: a failing `disable`
/// would keep the version on the machine.
int disable();
int uninstall();

}  // namespace stillpoint
