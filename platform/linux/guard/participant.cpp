// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/participant.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

struct ProcessStat {
    char state = 'X';
    long threads = 0;
    std::uint64_t start_ticks = 0;
};

/// Fields 3, 20 and 22 of /proc/PID/stat. Source: proc(5).
bool read_stat(int pid, ProcessStat& out) noexcept {
    std::array<char, 32> path{};
    (void)std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
    const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> buffer{};
    const ssize_t size = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
    if (size <= 0) {
        return false;
    }
    std::string_view text(buffer.data(), static_cast<std::size_t>(size));
    // The name in field 2 may hold anything, parentheses too: the last one ends it.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= text.size()) {
        return false;
    }
    text.remove_prefix(name_end + 2);
    out.state = text[0];
    for (int field = 3; field < 22; ++field) {
        const std::size_t blank = text.find(' ');
        if (blank == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(blank + 1);
        if (field + 1 == 20) {
            (void)std::from_chars(text.data(), text.data() + text.size(), out.threads);
        }
    }
    (void)std::from_chars(text.data(), text.data() + text.size(), out.start_ticks);
    return true;
}

void sign(Participant& participant) noexcept {
    ProcessStat self;
    (void)read_stat(::getpid(), self);
    participant.start_ticks.store(self.start_ticks);
    participant.pid.store(::getpid());
}

/// Its main thread is dying: SIGKILL is on its way, only it has not run since. Reads one line of
/// /proc/PID/status. Source: proc(5), SigPnd; the kernel marks every thread of a killed process.
bool being_killed(int pid) noexcept {
    std::array<char, 32> path{};
    (void)std::snprintf(path.data(), path.size(), "/proc/%d/status", pid);
    const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> buffer{};
    const ssize_t size = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
    const std::string_view text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    constexpr std::string_view kLine = "\nSigPnd:\t";
    const std::size_t at = text.find(kLine);
    if (at == std::string_view::npos) {
        return false;
    }
    std::uint64_t pending = 0;
    (void)std::from_chars(text.data() + at + kLine.size(), text.data() + text.size(), pending, 16);
    return (pending >> (SIGKILL - 1) & 1) != 0;
}

/// 0 when locked, as pthread_mutex_clocklock; waits at most `span`.
int lock_for(pthread_mutex_t& mutex, std::chrono::milliseconds span) noexcept {
    timespec until{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += span.count() % 1000 * 1'000'000;
    until.tv_sec += span.count() / 1000 + until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    return ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
}

}  // namespace

Presence::Presence(Ledger& ledger, Slot slot) : participant_(ledger.header().participants[slot]) {
    // Everybody waits for a death only after hearing of the life, so nobody else locks it yet.
    if (::pthread_mutex_trylock(&participant_.alive) != 0) {
        throw std::runtime_error("another process has this place in the ledger");
    }
    sign(participant_);
}

Presence::Presence(Ledger& ledger, Slot slot, std::adopt_lock_t)
    : participant_(ledger.header().participants[slot]) {
    sign(participant_);
}

Presence::~Presence() {
    (void)::pthread_mutex_unlock(&participant_.alive);
}

std::optional<Slot> claim_rescuer_slot(Ledger& ledger) {
    const auto owns_something = [&](std::uint32_t slot) {
        return std::ranges::any_of(ledger.entries(), [&](const LedgerEntry& entry) {
            const Word word = unpack(entry.word.load());
            return word.owner == slot && word.state != FsState::free &&
                   word.state != FsState::thawed;
        });
    };
    for (std::uint32_t slot = first_rescuer_slot; slot < slot_count; ++slot) {
        Participant& participant = ledger.header().participants[slot];
        const int locked = ::pthread_mutex_trylock(&participant.alive);
        if (locked == EOWNERDEAD) {
            (void)::pthread_mutex_consistent(&participant.alive);
        }
        if (locked != 0 && locked != EOWNERDEAD) {
            continue;  // somebody is there
        }
        // What the last one owns is told apart by its slot: a thread of it may be in the kernel
        // yet.
        if (life_of(participant) == ProcessLife::gone && !owns_something(slot)) {
            return static_cast<Slot>(slot);
        }
        (void)::pthread_mutex_unlock(&participant.alive);
    }
    return std::nullopt;
}

ProcessLife life_of(const Participant& participant) noexcept {
    const int pid = participant.pid.load();
    ProcessStat stat;
    if (pid == 0 || !read_stat(pid, stat) || stat.start_ticks != participant.start_ticks.load()) {
        return ProcessLife::gone;
    }
    if (stat.state != 'Z' && stat.state != 'X') {
        const bool stopped = stat.state == 'T' || stat.state == 't';
        return being_killed(pid) ? ProcessLife::ending
               : stopped         ? ProcessLife::stopped
                                 : ProcessLife::alive;
    }
    // A dead main thread is kept until every other thread has ended; it counts itself.
    return stat.threads > 1 ? ProcessLife::ending : ProcessLife::gone;
}

bool is_overdue(const Ledger& ledger) noexcept {
    const Instant deadline{ledger.header().deadline.load()};
    return deadline > Instant::zero() && boottime_now() > deadline + std::chrono::seconds(1) &&
           !ledger.settled();
}

void kill_participant(const Participant& participant) noexcept {
    const int pid = participant.pid.load();
    if (pid <= 0) {
        return;
    }
    // A pidfd cannot come to mean another process between the look and the kill; before Linux 5.3
    // there is none, and the start time is looked at just before.
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const ProcessLife life = life_of(participant);
    if (life != ProcessLife::alive && life != ProcessLife::stopped) {
        return;
    }
    if (pidfd) {
        (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    } else {
        (void)::kill(pid, SIGKILL);
    }
}

DeathWatch::DeathWatch(Ledger& ledger, Slot watched, std::function<void()> died,
                       std::function<void()> check)
    : died_(std::move(died)),
      check_(std::move(check)),
      thread_([this, &ledger, watched] { run(ledger.header().participants[watched]); }) {}

DeathWatch::~DeathWatch() {
    stop_ = true;
    thread_.join();
}

void DeathWatch::run(Participant& participant) {
    using namespace std::chrono_literals;
    while (!stop_) {
        const int locked = lock_for(participant.alive, 100ms);
        if (locked == ETIMEDOUT) {
            check_();
            continue;
        }
        if (locked == 0 || locked == EOWNERDEAD) {
            // Not made consistent: everybody else who waits for this death now learns of it too.
            (void)::pthread_mutex_unlock(&participant.alive);
        }
        if (locked == 0) {
            return;  // it left in order
        }
        died_();
        return;
    }
}

}  // namespace stillpoint::linux_os
