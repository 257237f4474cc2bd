// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/script_run.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/scripts/process_tree.h"
#include "platform/linux/scripts/supervisor.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr Instant kSupervisorEnds = 2s;
constexpr Instant kTreeEnds = 5s;

struct Pipe {
    UniqueFd read;
    UniqueFd write;

    /// Without ends, and errno, when there is none to be had.
    static Pipe make(int flags) {
        int fds[2] = {-1, -1};
        if (::pipe2(fds, O_CLOEXEC | flags) != 0) {
            return {};
        }
        return {UniqueFd(fds[0]), UniqueFd(fds[1])};
    }
};

}  // namespace

SupervisedRun::SupervisedRun(const KeptScript& script, ScriptPhase phase, Instant until) {
    Pipe report = Pipe::make(0);
    Pipe output = Pipe::make(0);
    if (!report.write || !output.write) {
        failed_ = {.how = ScriptResult::How::not_started, .number = errno};
        return;
    }
    const pid_t keeper = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        supervise({.script = script,
                   .phase = phase,
                   .until = until,
                   .keeper = keeper,
                   .output = output.write.get(),
                   .report = report.write.get()});
    }
    if (child < 0) {
        failed_ = {.how = ScriptResult::How::not_started, .number = errno};
        return;
    }
    supervisor_ = child;
    // Ours alone: the script's end must block, or programs that do not expect it lose output.
    (void)::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
    report_ = std::move(report.read);
    output_ = std::move(output.read);
}

RunReport SupervisedRun::report() {
    if (supervisor_ == 0) {
        return failed_;
    }
    RunReport said;
    pollfd waited{report_.get(), POLLIN, 0};
    if (::poll(&waited, 1, 0) != 1 ||
        ::read(report_.get(), &said, sizeof said) != static_cast<ssize_t>(sizeof said)) {
        said = RunReport();
        // First what the script has started: once the supervisor is gone, nobody finds it.
        (void)kill_descendants_of(supervisor_, boottime_now() + kTreeEnds);
        (void)::kill(supervisor_, SIGKILL);
    }
    if (!wait_for_exit(supervisor_, boottime_now() + kSupervisorEnds)) {
        (void)::kill(supervisor_, SIGKILL);
        (void)wait_for_exit(supervisor_, boottime_now() + kSupervisorEnds);
    }
    supervisor_ = 0;
    failed_ = said;
    return said;
}

void SupervisedRun::cancel() const {
    if (supervisor_ != 0) {
        (void)::kill(supervisor_, SIGTERM);
    }
}

}  // namespace stillpoint::linux_os
