// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/systemd.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <string_view>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "base/format_join.h"
#include "platform/linux/child_process.h"

namespace stillpoint::linux_os {
namespace {

bool same_mount_namespace_as_init() {
    struct stat ours {};
    struct stat inits {};
    return ::stat("/proc/self/ns/mnt", &ours) == 0 && ::stat("/proc/1/ns/mnt", &inits) == 0 &&
           ours.st_ino == inits.st_ino && ours.st_dev == inits.st_dev;
}

/// Two parsers read a unit's command line, systemd's (whose rules changed over the years) and the
/// shell's: words that mean themselves to both are all we hand over.
bool plain_words(const std::vector<std::string>& words) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@,=";
    return std::ranges::all_of(words, [=](const std::string& word) {
        return !word.empty() && word.find_first_not_of(kPlain) == std::string::npos;
    });
}

}  // namespace

bool systemd_runs() {
    struct stat status {};
    return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode) &&
           same_mount_namespace_as_init();
}

std::vector<std::string> passed_environment() {
    constexpr std::array<std::string_view, 9> kOfTheService = {
        "INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET",         "SYSTEMD_EXEC_PID", "MAINPID",
        "LISTEN_PID",    "WATCHDOG_USEC",  "MEMORY_PRESSURE_WATCH", "MANAGERPID"};
    std::vector<std::string> passed;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        const std::string_view name = text.substr(0, text.find('='));
        const bool plain_name =
            !name.empty() && name.size() < text.size() &&
            std::ranges::all_of(name,
                                [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; }) &&
            std::isdigit(static_cast<unsigned char>(name.front())) == 0;
        const bool printable =
            std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
        if (plain_name && printable &&
            std::ranges::find(kOfTheService, name) == kOfTheService.end()) {
            passed.emplace_back(text);
        }
    }
    return passed;
}

std::vector<std::string> without_proxy_logins(std::vector<std::string> environment) {
    std::erase_if(environment, [](const std::string& variable) {
        const std::size_t equals = std::min(variable.find('='), variable.size());
        std::string name = variable.substr(0, equals);
        std::ranges::transform(name, name.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return name.find("proxy") != std::string::npos &&
               variable.find('@', equals) != std::string::npos;
    });
    return environment;
}

std::vector<std::string> systemd_run_words(const TransientService& service) {
    std::vector<std::string> command = {"systemd-run", "--quiet", "--collect",
                                        "--unit=" + service.unit};
    for (const std::string& property : service.properties) {
        command.push_back("--property=" + property);
    }
    for (const std::string& variable : service.environment) {
        command.push_back("--setenv=" + variable);
    }
    if (!service.after_stop.empty()) {
        command.push_back(fmt::format("--property=ExecStopPost=/bin/sh -c \"exec {}\"",
                                      fmt::join(service.after_stop, " ")));
    }
    for (const char* word : {"--", "/bin/sh", "-c"}) {
        command.emplace_back(word);
    }
    command.push_back(fmt::format("exec {}", fmt::join(service.command, " ")));
    return command;
}

Result<void> start_service(const TransientService& service, Instant until) {
    if (!plain_words(service.command) || !plain_words(service.after_stop)) {
        return fail(Code::guard_unavailable, "a path holds a character that would need quoting");
    }
    const Result<pid_t> child = spawn(systemd_run_words(service), false);
    if (!child) {
        return fail(Code::guard_unavailable, "cannot ask systemd for a service")
            .caused_by(child.error());
    }
    const std::optional<int> status = wait_for_exit(*child, until);
    if (!status) {
        // What it has asked for may start all the same; it asks for nothing more.
        (void)::kill(*child, SIGKILL);
        (void)::waitpid(*child, nullptr, 0);
    }
    if (!status || !WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
        return fail(
            Code::guard_unavailable,
            status ? fmt::format("systemd did not start the service '{}'", service.unit)
                   : fmt::format("systemd did not start the service '{}' in time", service.unit));
    }
    return {};
}

}  // namespace stillpoint::linux_os
