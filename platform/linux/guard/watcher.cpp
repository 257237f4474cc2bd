// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/watcher.h"

#include <array>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/message.h"
#include "platform/linux/guard/participant.h"
#include "platform/linux/guard/rescuer.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

/// Waits for the worker's word that the guard is there; false when the worker is gone instead.
bool guard_is_there(int socket) {
    char word = 0;
    ssize_t size = 0;
    while ((size = ::recv(socket, &word, 1, 0)) < 0 && errno == EINTR) {
    }
    return size > 0;
}

}  // namespace

[[noreturn]] void watch(const std::shared_ptr<Ledger>& ledger, UniqueFd socket) {
    const Presence presence(*ledger, watcher_slot);
    Rescuer rescuer(ledger, watcher_slot);
    (void)rescuer.opened(boottime_now() + 5s);
    (void)::send(socket.get(), &message::ready, 1, MSG_NOSIGNAL);
    if (!guard_is_there(socket.get())) {
        socket.reset();
    }
    const UniqueFd changed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const auto note = [&changed] { (void)::eventfd_write(changed.get(), 1); };
    const DeathWatch guard_watch(*ledger, guard_slot, note, [] {});
    const DeathWatch worker_watch(*ledger, worker_slot, note, [] {});
    const auto gone = [&](Slot slot) {
        const ProcessLife life = life_of(ledger->header().participants[slot]);
        return life == ProcessLife::ending || life == ProcessLife::gone;
    };
    while (true) {
        const bool alone = gone(guard_slot) && gone(worker_slot);
        if (alone || is_overdue(*ledger)) {
            rescuer.go();
        }
        // Without a guard nothing can become frozen any more; the worker closes its socket when it
        // has read the ledger, or with its death.
        if (!socket && life_of(ledger->header().participants[guard_slot]) == ProcessLife::gone &&
            ledger->settled()) {
            ledger->remove();
            ::_exit(0);  // the watches below may wait for processes that go on
        }
        std::array<pollfd, 2> fds{{{socket.get(), POLLIN, 0}, {changed.get(), POLLIN, 0}}};
        // A death is an event; a guard that is stopped, or waits for a stuck call, is not.
        (void)::poll(fds.data(), fds.size(), socket ? 100 : 10);
        char word = 0;
        if (socket && fds[0].revents != 0 && ::recv(socket.get(), &word, 1, MSG_DONTWAIT) == 0) {
            socket.reset();
        }
        eventfd_t ignored = 0;
        (void)::eventfd_read(changed.get(), &ignored);
    }
}

}  // namespace stillpoint::linux_os
