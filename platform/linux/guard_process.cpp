// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard_process.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/message.h"
#include "platform/linux/local_socket.h"
#include "platform/linux/systemd.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> helper_command(const std::string& program, const std::string& socket,
                                        const Ledger& ledger) {
    return {program, "--socket", socket, "--ledger", ledger.path()};
}

Result<HelperProcess> start_child(const std::vector<std::string>& command, int listener,
                                  Instant until) {
    const Result<pid_t> child = spawn(command, true);
    if (!child) {
        return fail(Code::guard_unavailable, "cannot start the guard").caused_by(child.error());
    }
    Result<UniqueFd> socket = accept_from(listener, *child, until);
    HelperProcess helper(socket ? std::move(*socket) : UniqueFd(), *child);
    if (!socket) {
        return socket.error();
    }
    return helper;
}

Result<HoldHelpers> start_as_service(const std::string& program, const Ledger& ledger,
                                     Instant until) {
    const std::string name = random_name();
    const Result<UniqueFd> listener = listen_at(name);
    if (!listener) {
        return listener.error();
    }
    const TransientService service{
        .unit = "stillpoint-guard-" + name.substr(name.find('-') + 1),
        .properties = {"OOMScoreAdjust=-1000", "LimitMEMLOCK=infinity", "KillMode=process",
                       "DefaultDependencies=no"},
        .command = helper_command(program, name, ledger),
        // Whatever ends the service, what is still frozen is thawed after it.
        .after_stop = {program, "--thaw-stale", "--ledger", ledger.path()}};
    if (const Result<void> started = start_service(service, until); !started) {
        return started.error();
    }
    Result<UniqueFd> connected = accept_from(listener->get(), 0, until);
    if (!connected) {
        return connected.error();
    }
    return HoldHelpers{HelperProcess(std::move(*connected), 0), std::nullopt};
}

/// Under a socket name of its own: a service that comes too late finds nobody, and ends.
Result<HoldHelpers> start_as_children(const std::string& program, const Ledger& ledger,
                                      Instant until) {
    const std::string name = random_name();
    const Result<UniqueFd> listener = listen_at(name);
    if (!listener) {
        return listener.error();
    }
    std::vector<std::string> command = helper_command(program, name, ledger);
    Result<HelperProcess> guard = start_child(command, listener->get(), until);
    if (!guard) {
        return guard.error();
    }
    command.insert(command.begin() + 1, "--watch");
    Result<HelperProcess> watcher = start_child(command, listener->get(), until);
    if (!watcher) {
        return watcher.error();
    }
    return HoldHelpers{std::move(*guard), std::move(*watcher)};
}

Result<void> await_ready(const HelperProcess& helper, std::string_view name, Instant until) {
    if (helper.hear(until) != message::ready) {
        return fail(Code::guard_unavailable, fmt::format("the {} did not get ready", name));
    }
    return {};
}

}  // namespace

HelperProcess::~HelperProcess() {
    socket_.reset();
    if (child_ != 0) {
        (void)wait_for_exit(child_, boottime_now() + 500ms);
    }
}

void HelperProcess::say(char what) const {
    (void)::send(socket_.get(), &what, 1, MSG_NOSIGNAL);
}

void HelperProcess::hang_up() const {
    (void)::shutdown(socket_.get(), SHUT_RD);
}

std::optional<char> HelperProcess::hear(Instant until) const {
    char what = 0;
    if (!readable(socket_.get(), until) || ::recv(socket_.get(), &what, 1, MSG_DONTWAIT) != 1) {
        return std::nullopt;
    }
    return what;
}

std::string guard_program() {
    const std::string self = own_program();
    return self.substr(0, self.rfind('/') + 1) + "stillpoint-guard";
}

Result<HoldHelpers> start_helpers(const std::string& program, const Ledger& ledger, Instant until) {
    if (::access(program.c_str(), X_OK) != 0) {
        return fail(Code::guard_unavailable, fmt::format("cannot run '{}'", program))
            .with_errno(errno);
    }
    std::optional<HoldHelpers> helpers;
    if (systemd_runs()) {
        // Half of the time: a machine whose systemd is in trouble still gets its backup, without.
        const Instant now = boottime_now();
        Result<HoldHelpers> service = start_as_service(program, ledger, now + (until - now) / 2);
        if (service) {
            helpers.emplace(std::move(*service));
        }
    }
    if (!helpers) {
        Result<HoldHelpers> children = start_as_children(program, ledger, until);
        if (!children) {
            return children.error();
        }
        helpers.emplace(std::move(*children));
    }
    if (const Result<void> ready = await_ready(helpers->guard, "guard", until); !ready) {
        return ready.error();
    }
    if (helpers->watcher) {
        if (const Result<void> ready = await_ready(*helpers->watcher, "watcher", until); !ready) {
            return ready.error();
        }
        helpers->watcher->say(message::watch);
    }
    return std::move(*helpers);
}

}  // namespace stillpoint::linux_os
