// SPDX-License-Identifier: Apache-2.0
#include "agent/disable.h"

#include <poll.h>

#include "agent/handler_context.h"
#include "agent/worker_lock.h"
#include "platform/linux/guard/boottime.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Longer than any backup takes whose scripts do not; those may take an hour. The VM agent allows
/// 900 s for disable and 300 s for uninstall.
constexpr Instant kDisableLimit = 840s;
constexpr Instant kUninstallLimit = 240s;

/// How long a worker may take from its start until it holds the lock.
constexpr Instant kStartLimit = 5s;

/// The last backup that was begun has its final document.
bool last_one_ended(HandlerContext& context) {
    const std::optional<int> sequence = context.state().load().sequence;
    return !sequence || context.has_ended(*sequence);
}

void wait_for_backups(Instant limit) {
    constexpr int kLookMs = 50;
    Result<HandlerContext> context = HandlerContext::load();
    const Instant until = linux_os::boottime_now() + limit;
    Instant last_held = linux_os::boottime_now();
    // The lock alone does not tell: a worker that was only just started has not taken it yet, and
    // one that waits for another's end takes it a moment after that end.
    for (Instant now = last_held; now < until; now = linux_os::boottime_now()) {
        if (WorkerLock::is_held(context ? context->durable_folder() : kDurableFolder)) {
            last_held = now;
        } else if (!context || last_one_ended(*context) || now - last_held > kStartLimit) {
            break;
        }
        (void)::poll(nullptr, 0, kLookMs);
    }
}

}  // namespace

int disable() {
    wait_for_backups(kDisableLimit);
    return 0;
}

int uninstall() {
    wait_for_backups(kUninstallLimit);
    return 0;
}

}  // namespace stillpoint
