// SPDX-License-Identifier: Apache-2.0
#include "agent/hold_action.h"

#include <array>
#include <cerrno>

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

sigset_t stop_signal_set() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaddset(&set, number);
    }
    return set;
}

UniqueFd stop_signals() {
    const sigset_t set = stop_signal_set();
    return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Until `fd` has something to read (-1: nothing ever), a stop signal or the deadline.
/// True: `fd` has something.
bool wait_for(int fd, const UniqueFd& stop, Deadline deadline) {
    while (true) {
        std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {stop.get(), POLLIN, 0}}};
        const auto left = deadline.left(boottime_now());
        const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
        if (ready >= 0) {
            return fds[0].revents != 0;
        }
        if (errno != EINTR) {
            return false;
        }
    }
}

class TimedAction final : public HoldAction {
public:
    explicit TimedAction(std::chrono::milliseconds span) : span_(span), stop_(stop_signals()) {}

    void run(Deadline deadline) override {
        const Deadline end(std::min(deadline.at(), Instant(boottime_now() + span_)));
        (void)wait_for(-1, stop_, end);
    }
    Result<void> finish() override { return {}; }

private:
    std::chrono::milliseconds span_;
    UniqueFd stop_;
};

class EofAction final : public HoldAction {
public:
    EofAction() : stop_(stop_signals()) {}

    void run(Deadline deadline) override {
        std::array<char, 4096> ignored;
        while (wait_for(STDIN_FILENO, stop_, deadline)) {
            if (::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) {
                return;
            }
        }
    }
    Result<void> finish() override { return {}; }

private:
    UniqueFd stop_;
};

class CommandAction final : public HoldAction {
public:
    CommandAction(pid_t child, UniqueFd start, UniqueFd ended, std::string name)
        : child_(child),
          start_(std::move(start)),
          ended_(std::move(ended)),
          name_(std::move(name)),
          stop_(stop_signals()) {}

    ~CommandAction() override {
        if (child_ > 0) {
            // Never told to start: its pipe closes and it ends by itself.
            start_.reset();
            (void)::waitpid(child_, nullptr, 0);
        }
    }

    void run(Deadline deadline) override {
        (void)!::write(start_.get(), "!", 1);
        started_ = true;
        // The other end is closed when the command ends: an exec keeps it open, the end of it does
        // not.
        if (!wait_for(ended_.get(), stop_, deadline) && !deadline.passed(boottime_now())) {
            (void)::kill(child_, SIGTERM);
        }
    }

    Result<void> finish() override {
        if (!started_) {
            return {};
        }
        int status = 0;
        const pid_t ended = ::waitpid(std::exchange(child_, 0), &status, 0);
        if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            return fail(Code::action_failed,
                        WIFSIGNALED(status)
                            ? fmt::format("'{}' was ended by signal {}", name_, WTERMSIG(status))
                            : fmt::format("'{}' ended with status {}", name_, WEXITSTATUS(status)));
        }
        return {};
    }

private:
    pid_t child_;
    UniqueFd start_;
    UniqueFd ended_;
    std::string name_;
    UniqueFd stop_;
    bool started_ = false;
};

[[noreturn]] void become(char* const* argv, int start) {
    sigset_t none;
    ::sigemptyset(&none);
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
    const sigset_t set = stop_signal_set();
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
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
    int ended[2] = {-1, -1};
    if (::pipe2(start, O_CLOEXEC) != 0 || ::pipe2(ended, O_CLOEXEC) != 0) {
        return fail(Code::action_failed, "cannot make a pipe").with_errno(errno);
    }
    UniqueFd start_read(start[0]);
    UniqueFd start_write(start[1]);
    UniqueFd ended_read(ended[0]);
    UniqueFd ended_write(ended[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        return fail(Code::action_failed, fmt::format("cannot start '{}'", command.front()))
            .with_errno(errno);
    }
    if (child == 0) {
        // The worker's death must reach the child as the end of its pipe; the end of the child must
        // reach the worker, through whatever it executes.
        start_write.reset();
        (void)::fcntl(ended_write.get(), F_SETFD, 0);
        become(argv.data(), start_read.get());
    }
    return std::unique_ptr<HoldAction>(std::make_unique<CommandAction>(
        child, std::move(start_write), std::move(ended_read), command.front()));
}

}  // namespace stillpoint
