// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace stillpoint {

/// The unit that looks at each start whether the machine was restored.
inline constexpr char kNoticeUnit[] = "/etc/systemd/system/stillpoint-restored.service";

/// The unit's text. It starts the program through a shell: SELinux forbids init to execute what
/// lies in the VM agent's folder.
std::string notice_unit_text(const std::string& program);

/// Makes the unit start this version's program; nothing where systemd does not run.
/// Errors: file_unwritable.
Result<void> install_notice_unit();

/// Takes it away if it is this version's: in an update the old version is uninstalled after the new
/// one wrote its own. Errors: file_unwritable.
Result<void> remove_notice_unit();

}  // namespace stillpoint
