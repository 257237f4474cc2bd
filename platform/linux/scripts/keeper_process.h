// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/linux/scripts/script_run.h"
#include "platform/script_system.h"

namespace stillpoint::linux_os {

/// What a keeper needs to be started, and started again.
struct KeeperPlan {
    std::vector<std::string> command;
    std::string folder;
    std::vector<KeptScript> pre;
    std::vector<KeptScript> post;
    UniqueFd lock;
    std::chrono::milliseconds phase_limit{};
    std::chrono::milliseconds start_limit{};
    bool as_service = false;  // if systemd is of use
};

/// A keeper, from the worker's side: its socket, and its process.
class KeeperProcess {
public:
    /// Under systemd a transient service of its own, elsewhere, and when that service does not call
    /// back, a child in a session of its own; has the plan when this returns. Errors: internal.
    static Result<KeeperProcess> start(const KeeperPlan& plan);

    KeeperProcess(KeeperProcess&& other) noexcept;
    KeeperProcess& operator=(KeeperProcess&&) = delete;
    /// Hangs up. A child that ends within a moment is reaped.
    ~KeeperProcess();

    struct Answer {
        std::vector<ScriptResult> results;
        bool early = false;  // it had not waited to be asked
    };
    /// No value: it died, or did not answer in time and was killed.
    std::optional<Answer> run(ScriptPhase phase, std::chrono::milliseconds limit);

private:
    KeeperProcess(UniqueFd socket, pid_t child);
    static Result<KeeperProcess> start_one(const KeeperPlan& plan, bool as_service, Instant until);
    Result<void> hand_over(const KeeperPlan& plan);
    void kill();

    UniqueFd socket_;
    pid_t peer_;       // its pid, whoever started it; 0: unknown
    UniqueFd life_;    // a pidfd, where there are such
    pid_t child_ = 0;  // 0: systemd's
};

}  // namespace stillpoint::linux_os
