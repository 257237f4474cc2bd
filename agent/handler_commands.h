// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>

namespace stillpoint {

/// Adds the commands that the VM agent calls in the extension's folder: install, enable, update,
/// disable, uninstall; and `worker`, which enable starts.
///
/// They end with 0 when they did their part or left a status document that says why not, with 1
/// when no document could be written: a command that fails makes the VM agent call the whole
/// machine's provisioning failed, after which no backup is tried any more.
void add_handler_commands(CLI::App& app, int& exit_code);

}  // namespace stillpoint
