// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/inventory.h"
#include "platform/linux/mountinfo.h"

namespace stillpoint::linux_os {

/// The mounts of superblocks that `ours` does not show, from every other mount namespace that some
/// process lives in: a container's volume that the host never mounted is found here, by its
/// lowest-numbered process. Each namespace's table is read once.
///
/// A namespace kept alive by nothing but a bind mount of its file has no process and stays unseen;
/// writes made there would still show in the block counters.
MountTable read_other_namespaces(const std::string& proc_root, const std::vector<Mount>& ours);

}  // namespace stillpoint::linux_os
