// SPDX-License-Identifier: Apache-2.0
#include "agent/shared_lock.h"

namespace stillpoint {
namespace {

constexpr Instant kLimit = std::chrono::seconds(5);

}  // namespace

void SharedLock::take(const HoldPlan& plan) {
    if (plan.filesystems.empty() || lock_) {
        return;
    }
    auto lock = linux_os::FreezeLock::take(linux_os::kFreezeLockFolder, clock_.now() + kLimit);
    if (lock) {
        lock_.emplace(std::move(*lock));
        return;
    }
    missed_ = true;
    log_.warning("freeze", "lock against other agents not taken, going on without",
                 {{"why", lock.error().describe()}});
}

}  // namespace stillpoint
