// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace stillpoint::linux_os {

/// The whole life of the process that keeps a backup's scripts: connects to the worker at
/// `socket`, takes the scripts, runs each phase when asked to, and runs the post scripts unasked
/// when the pre scripts were begun and the worker is gone or never asks. Must be called with one
/// thread. Returns the exit code.
int keep_scripts(const std::string& socket);

}  // namespace stillpoint::linux_os
