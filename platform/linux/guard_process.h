// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// One helper process of a hold, connected.
class HelperProcess {
public:
    HelperProcess(UniqueFd socket, pid_t child) : socket_(std::move(socket)), child_(child) {}
    HelperProcess(HelperProcess&& other) noexcept
        : socket_(std::move(other.socket_)), child_(std::exchange(other.child_, 0)) {}
    HelperProcess& operator=(HelperProcess&&) = delete;
    /// Hangs up; a child that ends within a moment is reaped, another one is left to init.
    ~HelperProcess();

    void say(char what) const;
    /// The next message, or no value: none came before `until`, or the other side is gone.
    std::optional<char> hear(Instant until) const;
    /// Whoever waits in hear() stops waiting. Safe from any thread.
    void hang_up() const;

private:
    UniqueFd socket_;
    pid_t child_;  // 0: not a child of ours (systemd started it)
};

/// The processes beside the worker: the guard, and where no systemd looks after both, the watcher.
struct HoldHelpers {
    HelperProcess guard;
    std::optional<HelperProcess> watcher;
};

/// Where the guard program lies: beside this executable.
std::string guard_program();

/// Starts what a hold needs, each in a session of its own (and under systemd the guard in a service
/// of its own), and waits until their mounts are opened. Errors: guard_unavailable.
Result<HoldHelpers> start_helpers(const std::string& program, const Ledger& ledger, Instant until);

}  // namespace stillpoint::linux_os
