// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/keeper_process.h"

#include <csignal>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/local_socket.h"
#include "platform/linux/scripts/keeper_wire.h"
#include "platform/linux/systemd.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
namespace wire = keeper_wire;

/// Beyond a phase's limit: for supervisors that do not answer and processes that do not die.
constexpr Instant kAnswerLimit = 40s;
constexpr Instant kEndLimit = 2s;

void add_script(wire::Words& words, const KeptScript& script) {
    words.push_back(script.location);
    words.push_back(std::to_string(script.limit.count()));
    words.push_back(std::to_string(script.retries));
    words.push_back(script.digest);
    words.push_back(std::to_string(script.parameters.size()));
    words.insert(words.end(), script.parameters.begin(), script.parameters.end());
}

pid_t peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

UniqueFd life_of(pid_t pid) {
    return pid > 0 ? UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) : UniqueFd();
}

bool hung_up(int socket) {
    pollfd asked{socket, 0, 0};
    return ::poll(&asked, 1, 0) > 0;
}

Result<void> start_keeper_service(const KeeperPlan& plan, const std::string& name,
                                  const std::vector<std::string>& command, Instant until) {
    // KillMode: what a script left running on purpose must outlive the keeper.
    return start_service({.unit = "stillpoint-scripts-" + name.substr(name.find('-') + 1),
                          .properties = {"WorkingDirectory=" + plan.folder, "KillMode=process"},
                          .command = command,
                          .after_stop = {},
                          .environment = without_proxy_logins(passed_environment())},
                         until);
}

Error not_started(const Error& cause) {
    return fail(Code::internal, "cannot start the process that keeps the scripts").caused_by(cause);
}

}  // namespace

KeeperProcess::KeeperProcess(UniqueFd socket, pid_t child)
    : socket_(std::move(socket)),
      peer_(peer_of(socket_.get())),
      life_(life_of(peer_)),
      child_(child) {}

KeeperProcess::KeeperProcess(KeeperProcess&& other) noexcept
    : socket_(std::move(other.socket_)),
      peer_(other.peer_),
      life_(std::move(other.life_)),
      child_(std::exchange(other.child_, 0)) {}

KeeperProcess::~KeeperProcess() {
    socket_.reset();
    if (child_ != 0) {
        (void)wait_for_exit(child_, boottime_now() + kEndLimit);
    }
}

Result<KeeperProcess> KeeperProcess::start(const KeeperPlan& plan) {
    const Instant now = boottime_now();
    if (plan.as_service) {
        // Half of the time: a machine whose systemd is in trouble still gets its scripts, without.
        if (auto keeper = start_one(plan, true, now + plan.start_limit / 2)) {
            return keeper;
        }
    }
    return start_one(plan, false, now + plan.start_limit);
}

/// Each try has a socket name of its own: a service that comes too late finds nobody, and ends.
Result<KeeperProcess> KeeperProcess::start_one(const KeeperPlan& plan, bool as_service,
                                               Instant until) {
    const std::string name = random_name();
    const Result<UniqueFd> listener = listen_at(name);
    if (!listener) {
        return not_started(listener.error());
    }
    std::vector<std::string> command = plan.command;
    command.insert(command.end(), {"--socket", name});
    pid_t child = 0;
    if (as_service) {
        const Result<void> started = start_keeper_service(plan, name, command, until);
        if (!started) {
            return not_started(started.error());
        }
    } else {
        const Result<pid_t> spawned = spawn(command, true);
        if (!spawned) {
            return not_started(spawned.error());
        }
        child = *spawned;
    }
    Result<UniqueFd> socket = accept_from(listener->get(), child, until);
    if (!socket) {
        if (child != 0) {
            (void)::kill(child, SIGKILL);
            (void)wait_for_exit(child, boottime_now() + kEndLimit);
        }
        return not_started(socket.error());
    }
    wire::limit_sending(socket->get());
    KeeperProcess keeper(std::move(*socket), child);
    const Result<void> handed = keeper.hand_over(plan);
    const auto ready = handed ? wire::receive(keeper.socket_.get(), until) : std::nullopt;
    if (!ready || ready->words[0] != wire::kReady) {
        keeper.kill();
        return not_started(handed ? fail(Code::internal, "it did not get ready in time")
                                  : handed.error());
    }
    return keeper;
}

Result<void> KeeperProcess::hand_over(const KeeperPlan& plan) {
    for (std::size_t i = 0; i < plan.pre.size(); ++i) {
        wire::Words words = {wire::kPair};
        add_script(words, plan.pre[i]);
        add_script(words, plan.post[i]);
        const std::vector<int> fds = {plan.pre[i].file->fd(), plan.post[i].file->fd()};
        if (Result<void> sent = wire::send(socket_.get(), words, fds); !sent) {
            return sent;
        }
    }
    return wire::send(socket_.get(), {wire::kLock}, {plan.lock.get()});
}

std::optional<KeeperProcess::Answer> KeeperProcess::run(ScriptPhase phase,
                                                        std::chrono::milliseconds limit) {
    const Instant until = boottime_now() + limit + kAnswerLimit;
    (void)wire::send(socket_.get(), {wire::kRun, phase == ScriptPhase::pre ? "pre" : "post",
                                     std::to_string(limit.count())});
    Answer answer;
    while (const auto message = wire::receive(socket_.get(), until)) {
        if (message->words[0] == wire::kEnd) {
            answer.early = message->words.size() > 1 && message->words[1] == "early";
            return answer;
        }
        const auto result = wire::result_from(message->words);
        if (!result) {
            break;
        }
        answer.results.push_back(*result);
    }
    kill();
    return std::nullopt;
}

void KeeperProcess::kill() {
    if (life_) {
        (void)::syscall(SYS_pidfd_send_signal, life_.get(), SIGKILL, nullptr, 0);
    } else if (peer_ > 0 && !hung_up(socket_.get())) {
        // Before Linux 5.3; while its end of the socket is open, the number is hardly another's.
        (void)::kill(peer_, SIGKILL);
    }
    // Its supervisors, which end their scripts now, have its end of the socket too: only when it
    // is closed may the next keeper run anything.
    const Instant until = boottime_now() + kAnswerLimit;
    while (boottime_now() < until && wire::receive(socket_.get(), until)) {
    }
}

}  // namespace stillpoint::linux_os
