// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace stillpoint {

/// Adds `notice`, which the unit calls at each start of the machine: on a restored one it says so
/// in the log and in what people see when they log in, and changes nothing by itself unless
/// stillpoint.conf says `[restore] at_boot = apply`.
void add_notice_command(CLI::App& app, int& exit_code);

/// Nothing is to be said any more on this machine: all its disks are back.
void end_notice();

}  // namespace stillpoint
