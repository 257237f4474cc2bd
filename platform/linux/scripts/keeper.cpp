// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/keeper.h"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <optional>
#include <vector>

#include <poll.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/local_socket.h"
#include "platform/linux/scripts/keeper_wire.h"
#include "platform/linux/scripts/script_phase.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
namespace wire = keeper_wire;

constexpr Instant kPlanLimit = 60s;
/// Between the phases: longer than everything that a worker does there may take. One that hangs
/// must not leave an application at rest.
constexpr Instant kWorkerLimit = 20min;

/// A stop of the service, a hangup: whatever it is for, the post scripts come first, and they are
/// due when the worker is gone. SIGPIPE: the worker's end is noticed where it is looked at.
void ignore_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) {
        ::sigaddset(&set, number);
    }
    (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
}

class Keeper {
public:
    explicit Keeper(UniqueFd socket) : socket_(std::move(socket)) {}

    int run() {
        if (!take_plan()) {
            return 1;
        }
        bool pre_begun = false;
        Instant until = boottime_now() + kPlanLimit;
        while (true) {
            const auto asked = await_command(until);
            if (asked && asked->phase == ScriptPhase::pre && !pre_begun) {
                pre_begun = true;
                phase_limit_ = asked->limit;
                tell(run_phase(pre_, ScriptPhase::pre), false);
                until = boottime_now() + kWorkerLimit;
            } else if (asked && asked->phase == ScriptPhase::post) {
                phase_limit_ = asked->limit;
                tell(run_phase(post_, ScriptPhase::post), false);
                return 0;
            } else {
                return pre_begun ? run_post_unasked() : 0;
            }
        }
    }

private:
    struct Command {
        ScriptPhase phase;
        std::chrono::milliseconds limit;
    };

    bool take_plan() {
        const Instant until = boottime_now() + kPlanLimit;
        while (auto message = wire::receive(socket_.get(), until)) {
            if (message->words[0] == wire::kPair && message->fds.size() == 2) {
                if (!take_pair(*message)) {
                    return false;
                }
            } else if (message->words[0] == wire::kLock && message->fds.size() == 1) {
                lock_ = std::move(message->fds[0]);
                return static_cast<bool>(wire::send(socket_.get(), {wire::kReady}));
            } else {
                return false;
            }
        }
        return false;
    }

    bool take_pair(wire::Message& message) {
        std::size_t at = 1;
        auto pre = take_script(message.words, at, std::move(message.fds[0]));
        auto post = take_script(message.words, at, std::move(message.fds[1]));
        if (!pre || !post || at != message.words.size()) {
            return false;
        }
        pre_.push_back(std::move(*pre));
        post_.push_back(std::move(*post));
        return true;
    }

    /// location, limit, retries, digest, number of parameters, parameters
    static std::optional<KeptScript> take_script(const wire::Words& words, std::size_t& at,
                                                 UniqueFd fd) {
        if (words.size() < at + 5) {
            return std::nullopt;
        }
        const auto limit = wire::number_from(words[at + 1]);
        const auto retries = wire::number_from(words[at + 2]);
        const auto count = wire::number_from(words[at + 4]);
        const auto file = OpenedFile::of(std::move(fd), words[at]);
        if (!limit || !retries || !count || !file || *count < 0 ||
            static_cast<std::size_t>(*count) > words.size() - at - 5) {
            return std::nullopt;
        }
        KeptScript script{.location = words[at],
                          .parameters = {},
                          .limit = std::chrono::milliseconds(*limit),
                          .retries = static_cast<int>(*retries),
                          .file = *file,
                          .digest = words[at + 3]};
        const auto first = words.begin() + static_cast<long>(at) + 5;
        script.parameters.assign(first, first + *count);
        at += 5 + static_cast<std::size_t>(*count);
        return script;
    }

    /// No value: the worker is gone, or does not ask in time. Meanwhile what scripts left running
    /// is read from, so that it never blocks.
    std::optional<Command> await_command(Instant until) {
        while (true) {
            std::vector<pollfd> waited = {{socket_.get(), POLLIN, 0}};
            for (const UniqueFd& output : outputs_) {
                waited.push_back({output.get(), POLLIN, 0});
            }
            const auto left = Deadline(until).left(boottime_now());
            if (left.count() == 0) {
                return std::nullopt;
            }
            (void)::poll(waited.data(), waited.size(),
                         static_cast<int>(std::min<long>(left.count(), INT_MAX)));
            drain(outputs_);
            if (waited[0].revents != 0) {
                return command_from(wire::receive(socket_.get(), until));
            }
        }
    }

    static std::optional<Command> command_from(const std::optional<wire::Message>& message) {
        if (!message || message->words.size() != 3 || message->words[0] != wire::kRun) {
            return std::nullopt;
        }
        const auto limit = wire::number_from(message->words[2]);
        return Command{message->words[1] == "post" ? ScriptPhase::post : ScriptPhase::pre,
                       std::chrono::milliseconds(limit.value_or(0))};
    }

    /// A pre script is of no use once the worker is gone; a post script is.
    std::vector<ScriptResult> run_phase(const std::vector<KeptScript>& scripts, ScriptPhase phase) {
        ScriptPhaseRun run(scripts, phase, boottime_now() + phase_limit_, outputs_);
        return run.run(phase == ScriptPhase::pre ? socket_.get() : -1);
    }

    int run_post_unasked() {
        tell(run_phase(post_, ScriptPhase::post), true);
        return 0;
    }

    void tell(const std::vector<ScriptResult>& results, bool early) const {
        for (const ScriptResult& result : results) {
            if (!wire::send(socket_.get(), wire::words_of(result))) {
                return;
            }
        }
        (void)wire::send(socket_.get(), {wire::kEnd, early ? "early" : "asked"});
    }

    UniqueFd socket_;
    UniqueFd lock_;
    std::vector<KeptScript> pre_;
    std::vector<KeptScript> post_;
    std::chrono::milliseconds phase_limit_{};
    std::vector<UniqueFd> outputs_;
};

}  // namespace

int keep_scripts(const std::string& socket) {
    ignore_signals();
    Result<UniqueFd> connected = connect_to(socket);
    if (!connected) {
        std::fprintf(stderr, "stillpoint: %s\n", connected.error().describe().c_str());
        return 1;
    }
    wire::limit_sending(connected->get());
    return Keeper(std::move(*connected)).run();
}

}  // namespace stillpoint::linux_os
