// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace stillpoint {

/// Adds `reinstall` to the command line. Its callback sets `exit_code` (docs/reinstall.md: 0 all is
/// open and mounted, 1 a step failed and all was taken back, 2 usage, 3 something remains for a
/// person).
void add_reinstall_command(CLI::App& app, int& exit_code);

/// `reinstall --apply` on this machine, with no permission to change a disk. Gives the exit code.
int reinstall_now();

}  // namespace stillpoint
