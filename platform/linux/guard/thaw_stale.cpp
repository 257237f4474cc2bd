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

/// A hold that goes on: somebody of it lives, and its time is not over.
bool is_live(const Ledger& ledger) {
    if (!ledger.same_pid_namespace()) {
        return true;  // another container's: nothing can be said of its processes from here
    }
    if (is_overdue(ledger)) {
        return false;
    }
    for (const Slot slot : {guard_slot, worker_slot, watcher_slot}) {
        const ProcessLife life = life_of(ledger.header().participants[slot]);
        if (life == ProcessLife::alive || life == ProcessLife::stopped) {
            return true;
        }
    }
    return false;
}

/// A hold whose guard is dead: the worker that lives is about to let go. Should it die before, this
/// may be the last process that knows.
bool is_being_rescued(const Ledger& ledger) {
    return !ledger.settled() && ledger.same_pid_namespace() &&
           life_of(ledger.header().participants[guard_slot]) == ProcessLife::gone;
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
    const Instant until = boottime_now() + patience;
    while (is_live(ledger) && is_being_rescued(ledger) && boottime_now() < until) {
        pause_for(kLook);
    }
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
