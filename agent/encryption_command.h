// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace stillpoint {

/// Adds `encryption`: prints what is encrypted on this machine, or what the given devices and
/// images say, and tries keys where it is asked to. Writes nothing. Exit codes: 0; 1 something
/// could not be read; 2 usage or not root; 3 a volume is opened by no key at hand.
void add_encryption_command(CLI::App& app, int& exit_code);

}  // namespace stillpoint
