// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/process_tree.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

constexpr int kLookAgainMs = 2;

struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    bool dead = false;    // and not yet reaped
    std::string started;  // with the pid, unique until the next boot
};

/// Fields 3, 4 and 22 of /proc/PID/stat; a name may hold blanks and brackets, so from the last
/// bracket on. Source: proc(5).
std::optional<Process> look_at(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[1024];
    const ssize_t size = fd ? ::read(fd.get(), text, sizeof text) : -1;
    const std::string_view all(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    std::size_t at = all.rfind(')');
    if (at == std::string_view::npos || at + 2 > all.size()) {
        return std::nullopt;
    }
    std::vector<std::string_view> fields;  // from the third one on
    for (std::string_view rest = all.substr(at + 2); !rest.empty() && fields.size() < 20;) {
        const std::size_t end = rest.find(' ');
        fields.push_back(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    Process process{.pid = pid};
    if (fields.size() < 20 ||
        std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), process.parent).ec !=
            std::errc()) {
        return std::nullopt;
    }
    process.dead = fields[0] == "Z" || fields[0] == "X";
    process.started = fields[19];
    return process;
}

std::vector<Process> all_processes() {
    std::vector<Process> found;
    DIR* proc = ::opendir("/proc");
    while (proc != nullptr) {
        const dirent* entry = ::readdir(proc);
        if (entry == nullptr) {
            ::closedir(proc);
            break;
        }
        pid_t pid = 0;
        const char* end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, pid).ptr == end) {
            if (auto process = look_at(pid)) {
                found.push_back(std::move(*process));
            }
        }
    }
    return found;
}

std::vector<Process> descendants_of(pid_t pid) {
    const std::vector<Process> all = all_processes();
    std::set<pid_t> known = {pid};
    std::vector<Process> found;
    for (std::size_t before = 0; before != known.size();) {
        before = known.size();
        for (const Process& process : all) {
            if (known.contains(process.parent) && known.insert(process.pid).second) {
                found.push_back(process);
            }
        }
    }
    return found;
}

/// The number may belong to somebody else by now: what is killed is what was looked at.
void kill_exactly(const Process& process) {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    const bool unknown_call = !pidfd && errno == ENOSYS;  // before Linux 5.3
    const auto now = look_at(process.pid);
    if (!now || now->started != process.started) {
        return;
    }
    if (pidfd) {
        (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    } else if (unknown_call) {
        (void)::kill(process.pid, SIGKILL);
    }
}

}  // namespace

bool kill_descendants(Instant until) {
    // Again and again: whoever was forked while we looked is found the next time.
    while (true) {
        for (const Process& process : descendants_of(::getpid())) {
            kill_exactly(process);
        }
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        if (descendants_of(::getpid()).empty()) {
            return true;
        }
        if (boottime_now() >= until) {
            return false;
        }
        (void)::poll(nullptr, 0, kLookAgainMs);
    }
}

bool kill_descendants_of(pid_t pid, Instant until) {
    while (true) {
        const std::vector<Process> found = descendants_of(pid);
        if (std::ranges::all_of(found, [](const Process& process) { return process.dead; })) {
            return true;
        }
        if (boottime_now() >= until) {
            return false;
        }
        std::ranges::for_each(found, kill_exactly);
        (void)::poll(nullptr, 0, kLookAgainMs);
    }
}

}  // namespace stillpoint::linux_os
