// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/rescuer.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <thread>

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/open_mount.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

template <class Condition>
bool until_true(Instant until, Condition condition) {
    while (!condition()) {
        if (boottime_now() >= until) {
            return false;
        }
        pause_for(kLook);
    }
    return true;
}

enum Orders { wait_orders, rescue_orders, end_orders };

}  // namespace

struct Rescuer::Shared {
    Shared(std::shared_ptr<Ledger> the_ledger, Slot the_self)
        : ledger(std::move(the_ledger)), self(the_self), turns(ledger->entries().size()) {}

    struct Turn {
        std::atomic<bool> opened{false};
        std::atomic<bool> done{false};
    };

    void run(std::size_t index);
    void settle(LedgerEntry& entry, OpenedMount mount);
    void thaw(LedgerEntry& entry, int fd);
    template <class Flag>
    bool all(Instant until, Flag flag) const {
        return until_true(until, [&] { return std::ranges::all_of(turns, flag); });
    }

    std::shared_ptr<Ledger> ledger;
    Slot self;
    std::atomic<int> orders{wait_orders};
    std::vector<Turn> turns;
};

Rescuer::Rescuer(std::shared_ptr<Ledger> ledger, Slot self)
    : shared_(std::make_shared<Shared>(std::move(ledger), self)) {
    for (std::size_t i = 0; i < shared_->turns.size(); ++i) {
        std::thread([shared = shared_, i] { shared->run(i); }).detach();
    }
}

Rescuer::~Rescuer() {
    int waiting = wait_orders;
    shared_->orders.compare_exchange_strong(waiting, end_orders);
    shared_->orders.notify_all();
}

void Rescuer::go() noexcept {
    int waiting = wait_orders;
    shared_->orders.compare_exchange_strong(waiting, rescue_orders);
    shared_->orders.notify_all();
}

bool Rescuer::opened(Instant until) const {
    return shared_->all(until, [](const Shared::Turn& turn) { return turn.opened.load(); });
}

bool Rescuer::settled(Instant until) const {
    return shared_->all(until, [](const Shared::Turn& turn) { return turn.done.load(); });
}

void Rescuer::Shared::run(std::size_t index) {
    LedgerEntry& entry = ledger->entries()[index];
    OpenedMount mount = open_mount(place_of(entry));
    turns[index].opened = true;
    orders.wait(wait_orders);
    if (orders == rescue_orders) {
        settle(entry, std::move(mount));
    }
    turns[index].done = true;
}

void Rescuer::Shared::settle(LedgerEntry& entry, OpenedMount mount) {
    const Participant& guard = ledger->header().participants[guard_slot];
    while (true) {
        const Word word = unpack(entry.word.load());
        if (word.state == FsState::thawed) {
            return;
        }
        // A free word is the last word only when nobody is left who could begin a freeze.
        const bool idle = word.state == FsState::free;
        const Participant& owner = idle ? guard : ledger->header().participants[word.owner];
        const ProcessLife life = life_of(owner);
        if (unpack(entry.word.load()) != word) {
            continue;  // the owner moved it on before it went
        }
        if (idle && life == ProcessLife::gone) {
            return;
        }
        const bool ours_to_take =
            !idle && (life == ProcessLife::gone ||
                      (life == ProcessLife::ending && word.state == FsState::frozen));
        if (ours_to_take && !mount.fd) {
            mount = open_mount(place_of(entry));
            if (!mount.fd) {
                return;  // another of us may reach it, from its own mount namespace
            }
        }
        if (ours_to_take && move_word(entry, word, {FsState::thawing, self})) {
            thaw(entry, mount.fd.get());
            return;
        }
        // A living guard lets go of what is frozen at the deadline; a stopped one of nothing. One
        // that waits for the kernel inside an ioctl is neither: it will thaw when the kernel lets
        // it.
        const bool will_not = (life == ProcessLife::alive && word.state == FsState::frozen) ||
                              (life == ProcessLife::stopped && !idle);
        if (will_not && is_overdue(*ledger)) {
            kill_participant(owner);
        }
        pause_for(kLook);
    }
}

void Rescuer::Shared::thaw(LedgerEntry& entry, int fd) {
    entry.owner_lost = 1;
    entry.thaw_begun = boottime_now().count();
    const int error = ::ioctl(fd, FITHAW, 0) == 0 ? 0 : errno;
    entry.thaw_errno = error;
    entry.thawed = boottime_now().count();
    // EINVAL: nothing was frozen any more. Anything else: still frozen, so say so and leave the
    // word to whoever comes next with a better descriptor.
    const bool free_now = error == 0 || error == EINVAL;
    (void)move_word(entry, {FsState::thawing, self},
                    {free_now ? FsState::thawed : FsState::frozen, self});
}

}  // namespace stillpoint::linux_os
