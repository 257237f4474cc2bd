// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// The second net where no systemd runs: lives as long as a hold, and thaws when worker and guard
/// are both gone, or when nobody lets go in time. Ends the
/// process when there is nothing left to watch.
[[noreturn]] void watch(const std::shared_ptr<Ledger>& ledger, UniqueFd socket);

}  // namespace stillpoint::linux_os
