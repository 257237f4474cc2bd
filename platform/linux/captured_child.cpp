// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/captured_child.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr Instant kDeathLimit = 100ms;

/// Reads until the end; an empty text of why not when that was reached.
std::string read_all(int fd, std::size_t limit_bytes, Instant until, std::string& text) {
    std::array<char, 16'384> buffer;
    while (true) {
        pollfd waited{fd, POLLIN, 0};
        const auto left = Deadline(until).left(boottime_now());
        if (left.count() == 0) {
            return "was not done in time";
        }
        if (::poll(&waited, 1, static_cast<int>(left.count())) <= 0) {
            continue;
        }
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got == 0) {
            return "";
        }
        if (got > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (errno != EINTR) {
            return "cannot be listened to";
        }
        if (text.size() > limit_bytes) {
            return fmt::format("printed more than {} bytes", limit_bytes);
        }
    }
}

}  // namespace

Result<CapturedOutput> run_captured(const std::vector<std::string>& command,
                                    std::size_t limit_bytes, Instant until) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(Code::action_failed, fmt::format("cannot start '{}'", command.front()))
            .with_errno(errno);
    }
    const UniqueFd output(ends[0]);
    UniqueFd input(ends[1]);
    const Result<pid_t> child = spawn(command, false, input.get());
    input.reset();
    if (!child) {
        return fail(Code::action_failed, fmt::format("cannot start '{}'", command.front()))
            .caused_by(child.error());
    }
    CapturedOutput captured;
    std::string wrong = read_all(output.get(), limit_bytes, until, captured.text);
    if (!wrong.empty()) {
        ::kill(*child, SIGKILL);
    }
    const std::optional<int> status =
        wait_for_exit(*child, wrong.empty() ? until : boottime_now() + kDeathLimit);
    if (!status) {
        ::kill(*child, SIGKILL);
        (void)wait_for_exit(*child, boottime_now() + kDeathLimit);
        wrong = wrong.empty() ? "was not done in time" : wrong;
    }
    if (wrong.empty() && !WIFEXITED(*status)) {
        wrong = fmt::format("died by signal {}", WTERMSIG(*status));
    }
    if (!wrong.empty()) {
        return fail(Code::action_failed, fmt::format("'{}' {}", command.front(), wrong));
    }
    captured.exit_code = WEXITSTATUS(*status);
    return captured;
}

}  // namespace stillpoint::linux_os
