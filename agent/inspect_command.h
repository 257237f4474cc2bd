// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace stillpoint {

/// Adds `inspect` to the command line. Its callback sets `exit_code` (docs/inspect.md: 0 nothing
/// speaks against the image, 1 it cannot be read, 2 usage, 3 something does).
void add_inspect_command(CLI::App& app, int& exit_code);

}  // namespace stillpoint
