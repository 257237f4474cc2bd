// SPDX-License-Identifier: Apache-2.0

// The guard: freezes, and above all thaws, for a worker that may die at any moment. Started by the
// worker (or by systemd for it), never by a person. Links base and nothing else.
//
//   stillpoint-guard --socket NAME --ledger PATH           freeze and thaw for the worker behind
//   NAME stillpoint-guard --watch --socket NAME --ledger PATH   thaw when worker and guard are both
//   gone stillpoint-guard --thaw-stale [--ledger PATH]          thaw what dead ones left, now

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/guard_loop.h"
#include "platform/linux/guard/participant.h"
#include "platform/linux/guard/rescuer.h"
#include "platform/linux/guard/watcher.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

struct Arguments {
    std::string socket;
    std::string ledger;
    bool watch = false;
    bool thaw_stale = false;
};

/// Best effort, each of them: some hosts refuse them, and then we are as safe as any other process.
void harden() {
    // A thread's stack is locked memory as well.
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, std::size_t{SP_THREAD_STACK_KIB} * 1024);
    (void)::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);

    // A heap of its own for every thread would be locked memory too.
    (void)::mallopt(M_ARENA_MAX, 1);

    // Without the right to lock as much as we like, later threads would fail to start.
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    const bool may = ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
    (void)::mlockall(may ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT);
    // Memory reclaim on our behalf must not wait for a filesystem that we froze.
    // Source: prctl(2), PR_SET_IO_FLUSHER, Linux 5.6.
    constexpr int kSetIoFlusher = 57;
    (void)::prctl(kSetIoFlusher, 1, 0, 0, 0);
    const UniqueFd oom(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    (void)!::write(oom.get(), "-1000", 5);
    // Stop signals mean "let go, then stop", read by the loop; nothing may end us in between.
    sigset_t all;
    ::sigfillset(&all);
    (void)::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

Result<UniqueFd> connect_to_worker(const std::string& name) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!fd || name.size() + 1 >= sizeof address.sun_path) {
        return fail(Code::guard_unavailable, "no socket").with_errno(errno);
    }
    // Abstract: the name begins with a zero byte and lives in no filesystem.
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        return fail(Code::guard_unavailable, "cannot reach the worker").with_errno(errno);
    }
    ucred peer{};
    socklen_t peer_size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0 ||
        peer.uid != ::geteuid()) {
        return fail(Code::guard_unavailable, "the worker's socket belongs to somebody else");
    }
    return fd;
}

/// Never returns: a thread may still be waiting for a mount point that does not open, and nothing
/// may be torn down under it. So also not by an exception (no more threads): then the process ends
/// at once, with nothing frozen.
[[noreturn]] void guard(Ledger& ledger, UniqueFd socket) noexcept {
    // The worker thread that started us, if it did and not systemd: one more way to learn of its
    // death.
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    auto presence = std::make_unique<Presence>(ledger, guard_slot);
    GuardLoop loop(ledger, std::move(socket));
    loop.run();
    if (ledger.settled()) {
        ledger.remove();
        presence.reset();  // left in order
    }
    // Else the kernel refused to thaw something: to leave as a dead one makes the others try.
    ::_exit(0);
}

int thaw_now(const std::string& ledger) {
    const StaleReport report = thaw_stale(ledger, 10s);
    for (const std::string& problem : report.problems) {
        std::fprintf(stderr, "stillpoint-guard: %s\n", problem.c_str());
    }
    for (const std::string& mount : report.stuck) {
        std::fprintf(stderr, "stillpoint-guard: cannot let go '%s'\n", mount.c_str());
    }
    return report.stuck.empty() ? 0 : 1;
}

bool parse(int argc, char** argv, Arguments& out) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--watch") {
            out.watch = true;
        } else if (option == "--thaw-stale") {
            out.thaw_stale = true;
        } else if (option == "--socket" && i + 1 < argc) {
            out.socket = argv[++i];
        } else if (option == "--ledger" && i + 1 < argc) {
            out.ledger = argv[++i];
        } else {
            return false;
        }
    }
    return out.thaw_stale || (!out.socket.empty() && !out.ledger.empty());
}

int run(const Arguments& arguments) {
    if (arguments.thaw_stale) {
        return thaw_now(arguments.ledger);
    }
    harden();
    Result<Ledger> opened = Ledger::open(arguments.ledger);
    if (!opened) {
        std::fprintf(stderr, "stillpoint-guard: %s\n", opened.error().describe().c_str());
        return 1;
    }
    const auto ledger = std::make_shared<Ledger>(std::move(*opened));
    Result<UniqueFd> socket = connect_to_worker(arguments.socket);
    if (!socket) {
        std::fprintf(stderr, "stillpoint-guard: %s\n", socket.error().describe().c_str());
        return 1;
    }
    if (arguments.watch) {
        watch(ledger, std::move(*socket));
    } else {
        guard(*ledger, std::move(*socket));
    }
    return 0;
}

}  // namespace
}  // namespace stillpoint::linux_os

int main(int argc, char** argv) {
    stillpoint::linux_os::Arguments arguments;
    if (!stillpoint::linux_os::parse(argc, argv, arguments)) {
        std::fputs("stillpoint-guard is started by stillpoint; see `stillpoint hold --help`\n",
                   stderr);
        return 2;
    }
    return stillpoint::linux_os::run(arguments);
}
