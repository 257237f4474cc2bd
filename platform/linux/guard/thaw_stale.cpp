// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/rescuer.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

bool is_there(const Ledger& ledger, Slot slot) {
    const ProcessLife life = life_of(ledger.header().participants[slot]);
    return life == ProcessLife::alive || life == ProcessLife::stopped;
}

/// A hold that goes on: its time is not over, and whoever lets go of what is frozen is there. That
/// is the guard alone. A worker beside a dead guard lets go as well, but it may be stopped, or be
/// killed before it gets that far; who of us comes first is settled by the word of each filesystem.
bool is_live(const Ledger& ledger) {
    if (!ledger.same_pid_namespace()) {
        return true;  // another container's: nothing can be said of its processes from here
    }
    if (is_overdue(ledger)) {
        return false;
    }
    if (!ledger.settled()) {
        return is_there(ledger, guard_slot);
    }
    return is_there(ledger, guard_slot) || is_there(ledger, worker_slot) ||
           is_there(ledger, watcher_slot);
}

void deal_with(const std::string& path, std::chrono::milliseconds patience, StaleReport& report) {
    Result<Ledger> opened = Ledger::open(path);
    if (!opened) {
        // One that just ended takes its ledger away itself.
        if (!opened.error().os() || opened.error().os()->number != ENOENT) {
            report.problems.push_back(opened.error().sentence());
        }
        return;
    }
    const auto shared = std::make_shared<Ledger>(std::move(*opened));
    Ledger& ledger = *shared;
    if (is_live(ledger)) {
        ++report.live;
        return;
    }
    const std::optional<Slot> slot = claim_rescuer_slot(ledger);
    if (!slot) {
        report.problems.push_back(fmt::format("'{}' has been tried too often", path));
        return;
    }
    const Presence presence(ledger, *slot, std::adopt_lock);
    Rescuer rescuer(shared, *slot);
    rescuer.go();
    (void)rescuer.settled(boottime_now() + patience);
    for (const LedgerEntry& entry : ledger.entries()) {
        const Word word = unpack(entry.word.load());
        report.thawed +=
            word.state == FsState::thawed && word.owner == *slot && entry.thaw_errno == 0;
        if (word.state != FsState::free && word.state != FsState::thawed) {
            report.stuck.emplace_back(entry.mount_point);
        }
    }
    ++report.ledgers;
    if (ledger.settled()) {
        ledger.remove();
    }
}

}  // namespace

StaleReport thaw_stale(const std::string& only, std::chrono::milliseconds patience) {
    StaleReport report;
    if (!only.empty()) {
        deal_with(only, patience, report);
        return report;
    }
    for (const std::string& path : Ledger::all()) {
        deal_with(path, patience, report);
    }
    return report;
}

}  // namespace stillpoint::linux_os
