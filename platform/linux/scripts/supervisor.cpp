// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/scripts/process_tree.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using How = ScriptResult::How;

constexpr Instant kKillLimit = 5s;
constexpr unsigned kOthers = 0077;
constexpr unsigned kOthersWrite = 0022;

/// How the script is handed to the shell.
///
/// "sh LOCATION", as always: then $0 is the location, and in a shell that is bash so is
/// BASH_SOURCE, and messages name the file. That is safe while nobody but root can exchange
/// anything on the way to it (FileFacts::exchangeable_in). Else the shell reads the descriptor
/// that was checked, with "." so that $0 is still the location; "$@", `exit` and `set -e` behave
/// as ever (dash 0.5.12, bash 5.2, seen in script_run_test.cpp), only BASH_SOURCE is another. Not
/// the text itself behind -c: everybody reads a command line, and a script may hold a password.
class ShellWords {
public:
    ShellWords(const KeptScript& script, bool by_descriptor) {
        words_ = {"sh"};
        if (by_descriptor) {
            words_.emplace_back("-c");
            words_.push_back(". /proc/self/fd/" + std::to_string(script.file->fd()));
        }
        words_.push_back(script.location);
        words_.insert(words_.end(), script.parameters.begin(), script.parameters.end());
        for (std::string& word : words_) {
            pointers_.push_back(word.data());
        }
        pointers_.push_back(nullptr);
    }
    char* const* argv() const { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

/// What is run, and is it still what was checked?
struct Verdict {
    bool changed = false;
    bool may_run = false;
    bool by_descriptor = false;
};

/// As the file is now, whatever it was when it was opened. What is unchanged may have become
/// readable for others; what they could have written is not run.
Verdict look_at(int fd, const KeptScript& script, ScriptPhase phase) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return {.changed = true};
    }
    const Result<std::string> digest = digest_of(fd);
    const bool changed = !digest || *digest != script.digest;
    return {.changed = changed,
            .may_run = status.st_uid == 0 &&
                       (status.st_mode & (changed ? kOthers : kOthersWrite)) == 0 &&
                       (!changed || phase == ScriptPhase::post)};
}

/// The descriptor that was checked, unless only root can have put another file there meanwhile, as
/// editors do: then that one counts. When that one cannot be run, a post script is run as it was
/// checked: an application left at rest is worse.
Verdict look_again(const KeptScript& script, ScriptPhase phase) {
    const bool by_path = script.file->facts().exchangeable_in.empty();
    if (by_path) {
        const auto opened = open_file(script.location);
        Verdict verdict{.changed = true};
        if (opened && *opened && (*opened)->facts().exchangeable_in.empty()) {
            verdict = look_at((*opened)->fd(), script, phase);
        }
        if (verdict.may_run || phase == ScriptPhase::pre) {
            return verdict;
        }
    }
    Verdict verdict = look_at(script.file->fd(), script, phase);
    verdict.by_descriptor = true;
    if (by_path) {
        verdict.may_run = verdict.may_run && !verdict.changed;
        verdict.changed = true;  // what lies there now is
    }
    return verdict;
}

/// As a process that the VM agent starts, not as ours: prepare_process() had made it stricter.
void be_usual() {
    (void)::umask(S_IWGRP | S_IWOTH);
    const rlimit core{0, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_CORE, &core);
    for (int number = 1; number < NSIG; ++number) {
        (void)::signal(number, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Nothing that is open here is the script's business, nor what was inherited by us.
void close_on_exec() {
    DIR* open_files = ::opendir("/proc/self/fd");
    while (open_files != nullptr) {
        const dirent* entry = ::readdir(open_files);
        if (entry == nullptr) {
            ::closedir(open_files);
            break;
        }
        const int fd = std::atoi(entry->d_name);
        if (fd > STDERR_FILENO) {
            (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

/// The script's own process, until it is the shell.
[[noreturn]] void become_script(const Supervision& task, bool by_descriptor) {
    const ShellWords words(task.script, by_descriptor);
    // Should the supervisor be killed, so is at least the script itself.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)::setsid();
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)::dup2(input, STDIN_FILENO);
    (void)::dup2(task.output, STDOUT_FILENO);
    (void)::dup2(task.output, STDERR_FILENO);
    close_on_exec();
    if (by_descriptor) {
        (void)::fcntl(task.script.file->fd(), F_SETFD, 0);
    }
    be_usual();
    (void)::execvp("sh", words.argv());
    (void)::execv("/bin/sh", words.argv());
    const RunReport report{.how = How::not_started, .number = errno};
    (void)!::write(task.report, &report, sizeof report);
    ::_exit(127);
}

class Supervisor {
public:
    explicit Supervisor(const Supervision& task) : task_(task) {}

    /// When the shell cannot be started, the script's process has said so already, and the first
    /// report counts.
    RunReport run() {
        (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        const UniqueFd signals = listen_to_signals();
        // The keeper is gone: nobody waits for this any more, and post scripts must not run beside
        // it. The keeper has one thread, so this is about the process.
        (void)::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (::getppid() != task_.keeper) {
            ::_exit(0);
        }
        const Verdict verdict = look_again(task_.script, task_.phase);
        if (!verdict.may_run) {
            return {.how = How::changed, .changed = true};
        }
        script_ = ::fork();
        if (script_ == 0) {
            become_script(task_, verdict.by_descriptor);
        }
        if (script_ < 0) {
            return {.how = How::not_started, .number = errno};
        }
        RunReport report = wait(signals.get());
        report.changed = verdict.changed;
        return report;
    }

private:
    static UniqueFd listen_to_signals() {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGCHLD);
        ::sigaddset(&set, SIGTERM);
        (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
        return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    }

    RunReport wait(int signals) {
        while (true) {
            if (const auto status = reap()) {
                return report_of(*status);
            }
            if (cancelled_ || boottime_now() >= task_.until) {
                (void)kill_descendants(boottime_now() + kKillLimit);
                return {.how = cancelled_ ? How::lost : How::timed_out};
            }
            const auto left = Deadline(task_.until).left(boottime_now());
            pollfd waited{signals, POLLIN, 0};
            (void)::poll(&waited, 1, static_cast<int>(std::min<long>(left.count(), INT_MAX)));
            signalfd_siginfo info{};
            while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
                cancelled_ = cancelled_ || info.ssi_signo == SIGTERM;
            }
        }
    }

    /// The script's wait status, once it has ended. Others that were orphaned are reaped on the
    /// way.
    std::optional<int> reap() const {
        int status = 0;
        while (true) {
            const pid_t ended = ::waitpid(-1, &status, WNOHANG);
            if (ended == script_) {
                return status;
            }
            if (ended <= 0) {
                return std::nullopt;
            }
        }
    }

    static RunReport report_of(int status) {
        if (WIFSIGNALED(status)) {
            return {.how = How::signalled, .number = WTERMSIG(status)};
        }
        return {.how = How::exited, .number = WEXITSTATUS(status)};
    }

    const Supervision& task_;
    pid_t script_ = 0;
    bool cancelled_ = false;
};

}  // namespace

void supervise(const Supervision& task) {
    const RunReport report = Supervisor(task).run();
    (void)!::write(task.report, &report, sizeof report);
    ::_exit(0);
}

}  // namespace stillpoint::linux_os
