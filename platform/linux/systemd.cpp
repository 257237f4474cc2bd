// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/systemd.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/child_process.h"

namespace stillpoint::linux_os {
namespace {

bool same_mount_namespace_as_init() {
    struct stat ours {};
    struct stat inits {};
    return ::stat("/proc/self/ns/mnt", &ours) == 0 && ::stat("/proc/1/ns/mnt", &inits) == 0 &&
           ours.st_ino == inits.st_ino && ours.st_dev == inits.st_dev;
}

}  // namespace

bool systemd_runs() {
    struct stat status {};
    return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode) &&
           same_mount_namespace_as_init();
}

std::string shell_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

Result<void> start_service(const TransientService& service, Instant until) {
    std::vector<std::string> command = {"systemd-run", "--quiet", "--collect",
                                        "--unit=" + service.unit};
    for (const std::string& property : service.properties) {
        command.push_back("--property=" + property);
    }
    if (!service.run_after_stop.empty()) {
        // systemd's own quoting: a double-quoted word, in which backslash and quote are escaped,
        // and '%' and
        // '$' doubled. Source: systemd.service(5), "Command lines".
        std::string line;
        for (const char c : service.run_after_stop) {
            line += c == '"' || c == '\\'  ? std::string("\\") + c
                    : c == '%' || c == '$' ? std::string(2, c)
                                           : std::string(1, c);
        }
        command.push_back("--property=ExecStopPost=/bin/sh -c \"" + line + "\"");
    }
    std::string line = "exec";
    for (const std::string& word : service.command) {
        line += ' ';
        line += shell_quoted(word);
    }
    for (const char* word : {"--", "/bin/sh", "-c"}) {
        command.emplace_back(word);
    }
    command.push_back(line);
    const Result<pid_t> child = spawn(command, false);
    if (!child) {
        return fail(Code::guard_unavailable, "cannot ask systemd for a service")
            .caused_by(child.error());
    }
    const std::optional<int> status = wait_for_exit(*child, until);
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
        return fail(
            Code::guard_unavailable,
            status ? fmt::format("systemd did not start the service '{}'", service.unit)
                   : fmt::format("systemd did not start the service '{}' in time", service.unit));
    }
    return {};
}

}  // namespace stillpoint::linux_os
