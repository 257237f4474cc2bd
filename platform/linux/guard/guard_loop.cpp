// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/guard_loop.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/participant.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr Instant kOpenLimit = 5s;
/// Flushing what is dirty holds nobody up; it may take three times the limit, but not for ever.
constexpr int kSyncShare = 3;
/// A thaw returns within milliseconds, unless the device below is held by somebody else: then the
/// next level goes on without it.
constexpr Instant kThawLevelLimit = 100ms;
constexpr Instant kThawLimit = 1s;

/// A quarter of the limit: a filesystem that needs longer is not held at all rather than others for
/// so long.
constexpr int kFreezeShare = 4;

UniqueFd stop_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
        ::sigaddset(&set, number);
    }
    return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

GuardLoop::GuardLoop(Ledger& ledger, UniqueFd socket)
    : ledger_(ledger),
      socket_(std::move(socket)),
      events_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
      signals_(stop_signals()),
      freezer_(ledger, events_.get()),
      limit_(ledger.header().limit_ns) {
    for (const LedgerEntry& entry : ledger.entries()) {
        top_level_ = std::max(top_level_, entry.level);
    }
    begin(Phase::opening, kOpenLimit);
}

void GuardLoop::run() {
    const DeathWatch watch(
        ledger_, worker_slot,
        [this] {
            worker_died_ = true;
            (void)::eventfd_write(events_.get(), 1);
        },
        [] {});
    while (phase_ != Phase::draining || !all_finished()) {
        arm_timer();
        std::array<pollfd, 4> fds{{{worker_gone_ ? -1 : socket_.get(), POLLIN, 0},
                                   {events_.get(), POLLIN, 0},
                                   {timer_.get(), POLLIN, 0},
                                   {signals_.get(), POLLIN, 0}}};
        (void)::poll(fds.data(), fds.size(), -1);
        std::uint64_t ignored = 0;
        (void)::eventfd_read(events_.get(), &ignored);
        (void)!::read(timer_.get(), &ignored, sizeof ignored);
        if (fds[0].revents != 0) {
            on_socket();
        }
        const bool stop = (fds[3].revents & POLLIN) != 0 || worker_died_;
        const bool too_long = hold_end_ && boottime_now() >= *hold_end_;
        if ((stop || worker_gone_ || too_long) && phase_ < Phase::thawing) {
            let_go();
        }
        signalfd_siginfo info{};
        (void)!::read(signals_.get(), &info, sizeof info);
        advance();
    }
}

void GuardLoop::on_socket() {
    char what = 0;
    const ssize_t size = ::recv(socket_.get(), &what, 1, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        worker_gone_ = true;
    } else if (what == message::hold && phase_ == Phase::ready) {
        if (anybody_failed()) {
            give_up();
            return;
        }
        freezer_.sync();
        begin(Phase::syncing, limit_ * kSyncShare);
    } else if (what == message::release && phase_ < Phase::thawing) {
        begin_thaw_level(top_level_);
    }
}

void GuardLoop::advance() {
    // One event may carry the loop through several phases: an empty level, a filesystem that is
    // out.
    Phase before = phase_;
    int level_before = level_;
    do {
        before = phase_;
        level_before = level_;
        switch (phase_) {
            case Phase::opening:
                step_opening();
                break;
            case Phase::syncing:
                step_syncing();
                break;
            case Phase::rehearsing:
                step_rehearsing();
                break;
            case Phase::freezing:
                step_freezing();
                break;
            case Phase::thawing:
                step_thawing();
                break;
            case Phase::ready:
            case Phase::held:
            case Phase::draining:
                break;
        }
    } while (phase_ != before || level_ != level_before);
}

void GuardLoop::begin(Phase phase, std::optional<Instant> limit) {
    phase_ = phase;
    phase_end_ = limit ? std::optional(boottime_now() + *limit) : std::nullopt;
}

void GuardLoop::step_opening() {
    if (all_at(Stage::opened, top_level_)) {
        begin(Phase::ready, std::nullopt);
        say(message::ready);
    }
}

void GuardLoop::step_syncing() {
    if (!all_at(Stage::synced, top_level_)) {
        return;
    }
    if (anybody_failed()) {
        give_up();
        return;
    }
    if (ledger_.header().rehearse != 0) {
        begin(Phase::rehearsing, limit_ / kFreezeShare);
        // For the others, should this process be stopped in the middle of it.
        ledger_.header().deadline = phase_end_->count();
        freezer_.rehearse();
        return;
    }
    begin(Phase::rehearsing, 0s);
}

void GuardLoop::step_rehearsing() {
    if (ledger_.header().rehearse != 0 && !all_at(Stage::rehearsed, top_level_)) {
        return;
    }
    if (anybody_failed()) {
        give_up();
        return;
    }
    // Counted from before the first freeze, so that nothing is ever frozen for longer.
    hold_end_ = boottime_now() + limit_;
    ledger_.header().deadline = hold_end_->count();
    level_ = 0;
    freezer_.freeze_through(level_);
    begin(Phase::freezing, limit_ / kFreezeShare);
}

void GuardLoop::step_freezing() {
    if (!all_at(Stage::frozen, level_)) {
        return;
    }
    if (anybody_failed()) {
        give_up();
    } else if (level_ < top_level_) {
        // Time of its own: one late leaf must not take it from all that come after.
        begin(Phase::freezing, limit_ / kFreezeShare);
        freezer_.freeze_through(++level_);
    } else {
        begin(Phase::held, std::nullopt);
        say(message::held);
    }
}

void GuardLoop::begin_thaw_level(int level) {
    level_ = level;
    freezer_.thaw_down_to(level);
    begin(Phase::thawing, level == 0 ? kThawLimit : kThawLevelLimit);
}

void GuardLoop::step_thawing() {
    const bool late = phase_over();
    if (any_frozen_at_or_above(level_) && !late) {
        return;
    }
    if (level_ > 0) {
        begin_thaw_level(level_ - 1);
        return;
    }
    say(final_word_);
    begin(Phase::draining, std::nullopt);
}

void GuardLoop::let_go() {
    freezer_.let_go();
    level_ = 0;
    begin(Phase::thawing, kThawLimit);
}

void GuardLoop::give_up() {
    final_word_ = message::not_held;
    let_go();
}

bool GuardLoop::all_at(Stage stage, int level) {
    const bool late = phase_over();
    bool all = true;
    for (std::size_t i = 0; i < freezer_.size(); ++i) {
        const bool behind = ledger_.entries()[i].level <= level && freezer_.stage(i) < stage;
        if (behind && late) {
            freezer_.exclude(i, FsResult::too_slow);
        }
        all = all && (!behind || late);
    }
    return all;
}

bool GuardLoop::anybody_failed() const {
    if (ledger_.header().all_or_nothing == 0) {
        return false;
    }
    for (std::size_t i = 0; i < freezer_.size(); ++i) {
        if (freezer_.stage(i) == Stage::out) {
            return true;
        }
    }
    return false;
}

bool GuardLoop::any_frozen_at_or_above(int level) const {
    return std::ranges::any_of(ledger_.entries(), [level](const LedgerEntry& entry) {
        const FsState state = unpack(entry.word.load()).state;
        return entry.level >= level && state != FsState::free && state != FsState::thawed;
    });
}

bool GuardLoop::all_finished() const {
    for (std::size_t i = 0; i < freezer_.size(); ++i) {
        // A thread may still wait for its mount to open, or for a sync: it never freezes any more.
        const FsState state = unpack(ledger_.entries()[i].word.load()).state;
        const bool idle = state == FsState::free || state == FsState::thawed;
        if (!idle && !freezer_.finished(i)) {
            return false;
        }
    }
    return true;
}

bool GuardLoop::phase_over() const {
    return phase_end_ && boottime_now() >= *phase_end_;
}

std::optional<Instant> GuardLoop::next_alarm() const {
    if (phase_ < Phase::thawing && hold_end_) {
        return phase_end_ ? std::min(*phase_end_, *hold_end_) : *hold_end_;
    }
    return phase_end_;
}

void GuardLoop::arm_timer() {
    itimerspec spec{};
    if (const auto alarm = next_alarm()) {
        // Zero would disarm it.
        const Instant at = std::max(*alarm, Instant(1));
        spec.it_value.tv_sec = at / 1s;
        spec.it_value.tv_nsec = (at % 1s).count();
    }
    (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void GuardLoop::say(char what) {
    if (!worker_gone_) {
        (void)::send(socket_.get(), &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

}  // namespace stillpoint::linux_os
