// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/child_process.h"

#include <climits>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

std::string own_program() {
    char path[PATH_MAX];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    return {path, size > 0 ? static_cast<std::size_t>(size) : 0};
}

Result<pid_t> spawn(const std::vector<std::string>& command, bool keep_errors, int output) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const std::string& word : command) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output >= 0) {
        ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    } else {
        ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (!keep_errors) {
        ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, argv[0], &files, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        return fail(Code::internal, fmt::format("cannot start '{}'", command.front()))
            .with_errno(error);
    }
    return child;
}

std::optional<int> wait_for_exit(pid_t child, Instant until) {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return status;
        }
        const auto left = Deadline(until).left(boottime_now());
        if (ended < 0 || left.count() == 0) {
            return std::nullopt;
        }
        // Before Linux 5.3 there is no event for it: then look every few milliseconds.
        pollfd waited{pidfd.get(), POLLIN, 0};
        const auto slice = pidfd ? left : std::min(left, std::chrono::milliseconds(5));
        (void)::poll(&waited, 1, static_cast<int>(slice.count()));
    }
}

}  // namespace stillpoint::linux_os
