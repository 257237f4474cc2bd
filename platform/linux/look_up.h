// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace stillpoint::linux_os {

/// The addresses of a host, as text, in the order they should be tried.
using Addresses = std::vector<std::string>;
using LookUp = std::function<Result<Addresses>(const std::string& host)>;

/// Asks the system's resolver. Blocks as long as that likes. Errors: http_failed.
Result<Addresses> look_up_host(const std::string& host);

/// Looks every host up, all in parallel, and gives up on those not found by `deadline`. The
/// resolver cannot be interrupted, so a look-up that hangs is left to end by itself, in a thread
/// that owns everything it touches. Every host has an entry. Errors: http_failed.
std::map<std::string, Result<Addresses>> look_up_all(const LookUp& look_up,
                                                     const std::vector<std::string>& hosts,
                                                     Deadline deadline, const Clock& clock);

}  // namespace stillpoint::linux_os
