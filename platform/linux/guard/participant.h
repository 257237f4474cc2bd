// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "platform/linux/guard/ledger.h"

namespace stillpoint::linux_os {

/// A process's own slot in the ledger: while this lives, others see it as alive. Make and destroy
/// it on the thread that decides (the loop), since it is that thread's life that is watched.
class Presence {
public:
    /// Throws when another process is, or died, in this place: a second guard must not come up.
    Presence(Ledger& ledger, Slot slot);
    /// After claim_rescuer_slot().
    Presence(Ledger& ledger, Slot slot, std::adopt_lock_t);
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence();

private:
    Participant& participant_;
};

/// Claims a free slot for one more process that wants to thaw, for this thread, which then makes a
/// Presence of it. No value: all are taken.
std::optional<Slot> claim_rescuer_slot(Ledger& ledger);

enum class ProcessLife {
    alive,
    stopped,  // SIGSTOP or a debugger: it does nothing until somebody lets it
    ending,   // its main thread is dead, another is still inside a system call
    gone,     // every system call of it has returned
};

/// Looks at /proc; reads nothing else and allocates nothing.
ProcessLife life_of(const Participant& participant) noexcept;

/// Something is still frozen although its time was over a second ago: its owner does not let go.
bool is_overdue(const Ledger& ledger) noexcept;

/// SIGKILL, to exactly that process.
void kill_participant(const Participant& participant) noexcept;

/// Calls `died` once, from a thread of its own, when the participant's main thread dies without
/// having left in order. `check` is called about ten times a second meanwhile.
class DeathWatch {
public:
    DeathWatch(Ledger& ledger, Slot watched, std::function<void()> died,
               std::function<void()> check);
    ~DeathWatch();

private:
    void run(Participant& participant);

    std::function<void()> died_;
    std::function<void()> check_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace stillpoint::linux_os
