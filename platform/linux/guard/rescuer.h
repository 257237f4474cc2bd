// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/participant.h"

namespace stillpoint::linux_os {

/// Thaws what the dead left frozen, by the one rule of who may thaw
/// (docs/adr/0004-how-a-freeze-ends.md):
///
///   frozen, owner dead             take the word over, then FITHAW at once
///   freezing or thawing, dead      wait until every system call of the owner has returned, then
///   one FITHAW;
///                                  EINVAL means that nothing was left. Not earlier: beside a
///                                  FIFREEZE in flight, FITHAW either waits, or answers EINVAL and
///                                  the filesystem freezes afterwards with no owner
///   owner alive, deadline + 1 s    it was stopped: SIGKILL, then as above
///
/// One thread per filesystem, since a FITHAW may wait for a device that somebody else froze. The
/// threads are there from the start and open their mount points at once, so that a rescue opens
/// nothing.
class Rescuer {
public:
    /// `self`: the slot of this process. Threads open the mounts, then wait for go().
    Rescuer(std::shared_ptr<Ledger> ledger, Slot self);
    Rescuer(const Rescuer&) = delete;
    Rescuer& operator=(const Rescuer&) = delete;
    /// Never waits: a thread that is stuck in the kernel ends when the kernel lets it, or with the
    /// process.
    ~Rescuer();

    /// Whether every mount was opened, or refused, before `until`.
    bool opened(Instant until) const;

    /// From now on, whatever its owner cannot thaw any more is thawed. Safe from any thread, any
    /// number of times.
    void go() noexcept;

    /// Waits until nothing is left to do, at most until `until`. True when all is settled.
    bool settled(Instant until) const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

/// What thaw_stale found.
struct StaleReport {
    int ledgers = 0;                    // left behind by dead processes, and dealt with
    int thawed = 0;                     // filesystems let go
    int live = 0;                       // ledgers of holds that go on: left alone
    std::vector<std::string> stuck;     // mount points that could not be let go in time
    std::vector<std::string> problems;  // sentences
};

/// The last net: thaws what ledgers of dead processes still call frozen, then removes them. `only`:
/// one ledger's path; empty: every one in Ledger::folders().
StaleReport thaw_stale(const std::string& only, std::chrono::milliseconds patience);

}  // namespace stillpoint::linux_os
