// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/keeper_process.h"

#include <csignal>
#include <utility>

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

UniqueFd life_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return {};
    }
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
}

Error not_started(const Error& cause) {
    return fail(Code::internal, "cannot start the process that keeps the scripts").caused_by(cause);
}

}  // namespace

KeeperProcess::KeeperProcess(UniqueFd socket, pid_t child)
    : socket_(std::move(socket)), life_(life_of(socket_.get())), child_(child) {}

KeeperProcess::KeeperProcess(KeeperProcess&& other) noexcept
    : socket_(std::move(other.socket_)),
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
    const Instant until = now + plan.start_limit;
    const std::string name = random_name();
    const Result<UniqueFd> listener = listen_at(name);
    if (!listener) {
        return not_started(listener.error());
    }
    std::vector<std::string> command = plan.command;
    command.insert(command.end(), {"--socket", name});
    pid_t child = 0;
    bool started = false;
    if (systemd_runs()) {
        // KillMode: what a script left running on purpose must outlive the keeper.
        const TransientService service{
            .unit = "stillpoint-scripts-" + name.substr(name.find('-') + 1),
            .properties = {"WorkingDirectory=" + plan.folder, "KillMode=process"},
            .command = command,
            .after_stop = {},
            .environment = passed_environment()};
        started = static_cast<bool>(start_service(service, now + plan.start_limit / 2));
    }
    if (!started) {
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
    } else if (child_ != 0) {
        (void)::kill(child_, SIGKILL);
    }
    // Its supervisors, which end their scripts now, have its end of the socket too: only when it
    // is closed may the next keeper run anything.
    (void)wire::receive(socket_.get(), boottime_now() + kAnswerLimit);
}

}  // namespace stillpoint::linux_os
