// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace stillpoint {

/// Adds `hold` and `thaw-stale` to the command line. Their callbacks set `exit_code`
/// (docs/hold.md: 0 held throughout, 1 not held, 2 usage, 3 the hold broke, 4 the command failed).
void add_hold_commands(CLI::App& app, int& exit_code);

}  // namespace stillpoint
