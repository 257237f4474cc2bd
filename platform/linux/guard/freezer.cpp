// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/freezer.h"

#include <cerrno>
#include <limits>
#include <thread>

#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/open_mount.h"
#include "platform/linux/guard/suspended_device.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr Instant kResumePatience = 2s;
constexpr std::uint32_t kSync = 1;
constexpr std::uint32_t kRehearse = 2;
constexpr std::uint32_t kFreezeLevel0 = 3;
constexpr std::int32_t kNobody = std::numeric_limits<std::int32_t>::max();

std::uint32_t freeze_step(const LedgerEntry& entry) {
    return kFreezeLevel0 + static_cast<std::uint32_t>(entry.level);
}

FsResult result_of_freeze_error(int error) {
    return error == EBUSY ? FsResult::foreign : FsResult::refused;
}

/// A thread's own word on its filesystem. The loop's "too slow" stands, whoever was first: the two
/// may come at the same moment, and what was excluded must never read as held.
void conclude(LedgerEntry& entry, FsResult result) {
    FsResult none = FsResult::not_tried;
    (void)entry.result.compare_exchange_strong(none, result);
}

}  // namespace

Freezer::Freezer(Ledger& ledger, int event_fd)
    : ledger_(ledger), event_fd_(event_fd), thaw_from_(kNobody), turns_(ledger.entries().size()) {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
        std::thread([this, i] { run(i); }).detach();
    }
}

void Freezer::wake() {
    orders_given_.fetch_add(1);
    orders_given_.notify_all();
}

void Freezer::sync() {
    step_ = kSync;
    wake();
}

void Freezer::rehearse() {
    step_ = kRehearse;
    wake();
}

void Freezer::freeze_through(int level) {
    step_ = kFreezeLevel0 + static_cast<std::uint32_t>(level);
    wake();
}

void Freezer::thaw_down_to(int level) {
    thaw_from_ = level;
    // A thread that was told to freeze may not have come so far: what it finds thawed it never
    // freezes. Either this swap wins or the thread's own, and then it is waited for.
    for (LedgerEntry& entry : ledger_.entries()) {
        (void)move_word(entry, {FsState::free, guard_slot}, {FsState::thawed, guard_slot});
    }
    wake();
}

void Freezer::let_go() {
    thaw_down_to(std::numeric_limits<std::int32_t>::min());
}

void Freezer::exclude(std::size_t index, FsResult why) {
    ledger_.entries()[index].result = why;
    turns_[index].excluded = true;
    reach(index, Stage::out);
    wake();
}

void Freezer::reach(std::size_t index, Stage stage) {
    // Out is for good: a thread that comes back late must not look as if it took part again.
    Stage now = turns_[index].stage;
    while (now != Stage::out && !turns_[index].stage.compare_exchange_weak(now, stage)) {
    }
    (void)::eventfd_write(event_fd_, 1);
}

bool Freezer::wait_for_step(std::size_t index, std::uint32_t step) {
    while (true) {
        const std::uint32_t given = orders_given_;
        if (turns_[index].excluded || thaw_from_ != kNobody) {
            return false;
        }
        if (step_ >= step) {
            return true;
        }
        orders_given_.wait(given);
    }
}

void Freezer::wait_for_thaw(std::size_t index) {
    const std::int32_t level = ledger_.entries()[index].level;
    while (true) {
        const std::uint32_t given = orders_given_;
        if (turns_[index].excluded || thaw_from_ <= level) {
            return;
        }
        orders_given_.wait(given);
    }
}

void Freezer::run(std::size_t index) {
    LedgerEntry& entry = ledger_.entries()[index];
    const OpenedMount mount = open_mount(place_of(entry));
    if (mount.fd) {
        reach(index, Stage::opened);
        take_part(index, mount.fd.get());
    } else {
        entry.freeze_errno = mount.error;
        conclude(entry, mount.result);
    }
    turns_[index].finished = true;
    reach(index, turns_[index].stage == Stage::thawed ? Stage::thawed : Stage::out);
}

void Freezer::take_part(std::size_t index, int fd) {
    LedgerEntry& entry = ledger_.entries()[index];
    if (!wait_for_step(index, kSync)) {
        return;
    }
    if (stays_suspended(entry.device, boottime_now() + kResumePatience)) {
        if (!turns_[index].excluded) {
            entry.freeze_errno = EBUSY;  // as FIFREEZE has it when device-mapper froze first
            entry.result = FsResult::foreign;
        }
        return;
    }
    // What cannot be written shows itself in FIFREEZE, which does the same once more.
    (void)::syncfs(fd);
    reach(index, Stage::synced);
    if (ledger_.header().rehearse != 0) {
        if (!wait_for_step(index, kRehearse) || !freeze(index, fd)) {
            return;
        }
        if (!thaw(entry, fd, FsState::free)) {
            conclude(entry, FsResult::refused);
            return;
        }
        entry.rehearsed = entry.thawed.load();
        reach(index, Stage::rehearsed);
    }
    if (!wait_for_step(index, freeze_step(entry)) || !freeze(index, fd)) {
        return;
    }
    conclude(entry, FsResult::held);
    reach(index, Stage::frozen);
    wait_for_thaw(index);
    (void)thaw(entry, fd, FsState::thawed);
    reach(index, Stage::thawed);
}

bool Freezer::freeze(std::size_t index, int fd) {
    LedgerEntry& entry = ledger_.entries()[index];
    if (!ledger_.allows(entry.device)) {
        conclude(entry, FsResult::not_allowed);
        return false;
    }
    if (!move_word(entry, {FsState::free, guard_slot}, {FsState::freezing, guard_slot})) {
        return false;
    }
    entry.thaw_errno = 0;
    entry.thaw_begun = 0;
    entry.thawed = 0;
    entry.frozen = 0;
    entry.freeze_begun = boottime_now().count();
    if (::ioctl(fd, FIFREEZE, 0) != 0) {
        const int error = errno;
        (void)move_word(entry, {FsState::freezing, guard_slot}, {FsState::free, guard_slot});
        entry.freeze_errno = error;
        conclude(entry, result_of_freeze_error(error));
        return false;
    }
    entry.frozen = boottime_now().count();
    (void)move_word(entry, {FsState::freezing, guard_slot}, {FsState::frozen, guard_slot});
    return true;
}

bool Freezer::thaw(LedgerEntry& entry, int fd, FsState afterwards) {
    constexpr int kTries = 3;
    if (!move_word(entry, {FsState::frozen, guard_slot}, {FsState::thawing, guard_slot})) {
        return false;  // somebody thought us dead and took it over
    }
    entry.thaw_begun = boottime_now().count();
    int error = EINTR;
    for (int tried = 0; tried < kTries && error != 0 && error != EINVAL; ++tried) {
        error = ::ioctl(fd, FITHAW, 0) == 0 ? 0 : errno;
    }
    entry.thaw_errno = error;
    entry.thawed = boottime_now().count();
    // EINVAL: somebody let go before us. Anything else: it is still frozen, and the ledger must say
    // so.
    const bool free_now = error == 0 || error == EINVAL;
    (void)move_word(entry, {FsState::thawing, guard_slot},
                    {free_now ? afterwards : FsState::frozen, guard_slot});
    return free_now;
}

}  // namespace stillpoint::linux_os
