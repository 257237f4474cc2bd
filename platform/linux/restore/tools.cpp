// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/tools.h"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr std::array kFolders = {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"};
constexpr std::size_t kMostKept = 16U << 20;
/// Between the end of its output and its own end, and after it was killed.
constexpr Instant kEndLimit = 10s;

std::string path_of(const std::string& tool) {
    for (const char* folder : kFolders) {
        std::string path = folder + tool;
        if (::access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return "";
}

/// Both ends of a pipe that no child keeps by accident.
struct Pipe {
    UniqueFd reading;
    UniqueFd writing;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail(Code::restore_step_failed, "cannot make a pipe").with_errno(errno);
    }
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<pid_t> start(const std::string& path, const std::vector<std::string>& command,
                    const Pipe& output, const Pipe& errors) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& word : command) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    // The messages are looked into, and LVM complains about descriptors that are open.
    std::array environment = {std::string("PATH=/usr/sbin:/sbin:/usr/bin:/bin"),
                              std::string("LC_ALL=C"), std::string("LVM_SUPPRESS_FD_WARNINGS=1")};
    std::array<char*, 4> variables = {environment[0].data(), environment[1].data(),
                                      environment[2].data(), nullptr};
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, output.writing.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, errors.writing.get(), STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    pid_t child = 0;
    const int error =
        ::posix_spawn(&child, path.c_str(), &files, &attributes, argv.data(), variables.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        return fail(Code::restore_step_failed, fmt::format("cannot start '{}'", path))
            .with_errno(error);
    }
    return child;
}

/// Reads what is there; closes the pipe at its end.
void take(UniqueFd& pipe, std::string& text) {
    char buffer[16384];
    const ssize_t size = ::read(pipe.get(), buffer, sizeof buffer);
    if (size > 0) {
        text.append(buffer, std::min(static_cast<std::size_t>(size), kMostKept - text.size()));
    } else if (size == 0 || errno != EINTR) {
        pipe = UniqueFd();
    }
}

/// Until both pipes ended, or `until`, or it is stopped.
void collect(UniqueFd& output, UniqueFd& errors, ToolResult& result, Instant until,
             const std::function<bool()>& stopped) {
    constexpr std::chrono::milliseconds kLook(500);
    while ((output || errors) && !stopped()) {
        const auto left = Deadline(until).left(boottime_now());
        if (left.count() == 0) {
            return;
        }
        // poll() passes over descriptors below zero.
        std::array<pollfd, 2> waited = {pollfd{output ? output.get() : -1, POLLIN, 0},
                                        pollfd{errors ? errors.get() : -1, POLLIN, 0}};
        (void)::poll(waited.data(), waited.size(), static_cast<int>(std::min(left, kLook).count()));
        if (waited[0].revents != 0) {
            take(output, result.output);
        }
        if (waited[1].revents != 0) {
            take(errors, result.errors);
        }
    }
}

}  // namespace

Result<ToolResult> run_tool(const std::vector<std::string>& command,
                            std::chrono::milliseconds limit, const std::function<bool()>& stopped) {
    const std::string path = path_of(command.front());
    if (path.empty()) {
        return fail(Code::restore_step_failed,
                    fmt::format("the tool '{}' is not installed here", command.front()));
    }
    Result<Pipe> output = make_pipe();
    Result<Pipe> errors = make_pipe();
    if (!output || !errors) {
        return output ? errors.error() : output.error();
    }
    const Instant until = boottime_now() + limit;
    const Result<pid_t> child = start(path, command, *output, *errors);
    if (!child) {
        return child.error();
    }
    output->writing = UniqueFd();
    errors->writing = UniqueFd();
    ToolResult result;
    collect(output->reading, errors->reading, result, until, stopped);
    // Whoever closes its output may live on, and a daemon may hold it open when the tool has ended.
    const Instant grace = boottime_now() + 100ms;
    std::optional<int> status = wait_for_exit(*child, stopped() ? grace : std::max(until, grace));
    if (!status) {
        (void)::kill(-*child, SIGKILL);
        status = wait_for_exit(*child, boottime_now() + kEndLimit);
        return fail(
            Code::restore_step_failed,
            fmt::format("'{}' {}{}", path,
                        stopped() ? "was stopped"
                                  : fmt::format("did not end within {} s", limit.count() / 1000),
                        status ? "" : ", and cannot be killed"));
    }
    if (!WIFEXITED(*status)) {
        return fail(Code::restore_step_failed,
                    fmt::format("'{}' was killed by signal {}", path, WTERMSIG(*status)));
    }
    result.exit_code = WEXITSTATUS(*status);
    return result;
}

}  // namespace stillpoint::linux_os
