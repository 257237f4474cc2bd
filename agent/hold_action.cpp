// SPDX-License-Identifier: Apache-2.0
#include "agent/hold_action.h"

#include <array>
#include <cerrno>
#include <initializer_list>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"

namespace stillpoint {
namespace {

using linux_os::boottime_now;
using linux_os::UniqueFd;

sigset_t set_of(std::initializer_list<int> numbers) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : numbers) {
        ::sigaddset(&set, number);
    }
    return set;
}

UniqueFd signals(std::initializer_list<int> numbers) {
    const sigset_t set = set_of(numbers);
    return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Waits, and knows whether it was a stop signal that ended the waiting.
class Wait {
public:
    /// Until `fd` has something to read (-1: nothing ever), a stop signal or the deadline.
    /// True: `fd` has something.
    bool until_readable(int fd, Deadline deadline) {
        while (true) {
            std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
            const auto left = deadline.left(boottime_now());
            const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
            if (ready < 0 && errno == EINTR) {
                continue;
            }
            stopped_ = stopped_ || fds[1].revents != 0;
            return ready > 0 && fds[0].revents != 0;
        }
    }
    bool stopped() const { return stopped_; }
    Result<void> verdict() const {
        return stopped_ ? Result<void>(fail(Code::action_failed, "ended by a stop signal"))
                        : Result<void>();
    }

private:
    UniqueFd stop_ = signals({SIGINT, SIGTERM, SIGHUP});
    bool stopped_ = false;
};

class TimedAction final : public HoldAction {
public:
    explicit TimedAction(std::chrono::milliseconds span) : span_(span) {}

    void run(Deadline deadline) override {
        const Deadline end(std::min(deadline.at(), Instant(boottime_now() + span_)));
        (void)wait_.until_readable(-1, end);
    }
    Result<void> finish() override { return wait_.verdict(); }

private:
    std::chrono::milliseconds span_;
    Wait wait_;
};

class EofAction final : public HoldAction {
public:
    void run(Deadline deadline) override {
        std::array<char, 4096> ignored;
        while (wait_.until_readable(STDIN_FILENO, deadline) && !wait_.stopped()) {
            if (::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) {
                return;
            }
        }
    }
    Result<void> finish() override { return wait_.verdict(); }

private:
    Wait wait_;
};

class CommandAction final : public HoldAction {
public:
    CommandAction(pid_t child, UniqueFd start, std::string name)
        : child_(child), start_(std::move(start)), name_(std::move(name)) {}

    ~CommandAction() override {
        if (child_ > 0) {
            // Never told to start: its pipe closes and it ends by itself.
            start_.reset();
            (void)::waitpid(child_, nullptr, 0);
        }
    }

    void run(Deadline deadline) override {
        // Stopped already, or killed by the same Ctrl-C as we: then there is nobody to start.
        (void)wait_.until_readable(-1, Deadline(Instant::zero()));
        started_ = !wait_.stopped() && ::write(start_.get(), "!", 1) == 1;
        // Its end, not that of a pipe it inherits: sudo and ssh close those at once, and a daemon
        // that it leaves behind keeps them open.
        while (started_ && !has_ended() && wait_.until_readable(child_ended_.get(), deadline)) {
            signalfd_siginfo ignored{};
            (void)!::read(child_ended_.get(), &ignored, sizeof ignored);
        }
        if (started_ && wait_.stopped()) {
            (void)::kill(child_, SIGTERM);
        }
    }

    Result<void> finish() override {
        if (!started_) {
            return wait_.verdict();
        }
        int status = 0;
        const pid_t ended = ::waitpid(std::exchange(child_, 0), &status, 0);
        if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            return fail(Code::action_failed,
                        WIFSIGNALED(status)
                            ? fmt::format("'{}' was ended by signal {}", name_, WTERMSIG(status))
                            : fmt::format("'{}' ended with status {}", name_, WEXITSTATUS(status)));
        }
        return wait_.verdict();
    }

private:
    bool has_ended() const {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) !=
                   0 ||
               info.si_pid == child_;
    }

    pid_t child_;
    UniqueFd start_;
    std::string name_;
    UniqueFd child_ended_ = signals({SIGCHLD});
    Wait wait_;
    bool started_ = false;
};

[[noreturn]] void become(char* const* argv, int start) {
    const sigset_t none = set_of({});
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    char go = 0;
    if (::read(start, &go, 1) != 1) {
        ::_exit(0);
    }
    (void)::execvp(argv[0], argv);
    ::_exit(errno == ENOENT ? 127 : 126);
}

}  // namespace

void catch_stop_signals() {
    // SIGPIPE only so that it does not kill us while something is held.
    const sigset_t set = set_of({SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE});
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // Whoever started us may ignore it, and then nobody would learn of a child's end.
    (void)::signal(SIGCHLD, SIG_DFL);
}

std::unique_ptr<HoldAction> hold_for(std::chrono::milliseconds span) {
    return std::make_unique<TimedAction>(span);
}

std::unique_ptr<HoldAction> hold_until_eof() {
    return std::make_unique<EofAction>();
}

Result<std::unique_ptr<HoldAction>> hold_while_running(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& word : command) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    int start[2] = {-1, -1};
    if (::pipe2(start, O_CLOEXEC) != 0) {
        return fail(Code::action_failed, "cannot make a pipe").with_errno(errno);
    }
    UniqueFd start_read(start[0]);
    UniqueFd start_write(start[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        return fail(Code::action_failed, fmt::format("cannot start '{}'", command.front()))
            .with_errno(errno);
    }
    if (child == 0) {
        start_write.reset();  // our death must reach the child as the end of its pipe
        become(argv.data(), start_read.get());
    }
    return std::unique_ptr<HoldAction>(
        std::make_unique<CommandAction>(child, std::move(start_write), command.front()));
}

}  // namespace stillpoint
