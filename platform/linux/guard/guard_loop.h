// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "platform/linux/guard/freezer.h"
#include "platform/linux/guard/message.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// The guard's own loop: decides, never freezes or thaws, never waits without a deadline.
class GuardLoop {
public:
    GuardLoop(Ledger& ledger, UniqueFd socket);
    /// Until every thread has come back from the kernel.
    void run();

private:
    enum class Phase { opening, ready, syncing, rehearsing, freezing, held, thawing, draining };

    void on_socket();
    void advance();
    void begin(Phase phase, std::optional<Instant> limit);
    void step_opening();
    void step_syncing();
    void step_rehearsing();
    void step_freezing();
    void step_thawing();
    void give_up();
    void let_go();
    void begin_thaw_level(int level);

    /// Everybody still in the game has come this far, or the phase's time is up and the late ones
    /// are out.
    bool all_at(Stage stage, int level);
    bool anybody_failed() const;
    bool any_frozen_at_or_above(int level) const;
    bool all_finished() const;
    bool phase_over() const;
    std::optional<Instant> next_alarm() const;
    void arm_timer();
    void say(char what);

    Ledger& ledger_;
    UniqueFd socket_;
    UniqueFd events_;
    UniqueFd timer_;
    UniqueFd signals_;
    Freezer freezer_;
    Phase phase_ = Phase::opening;
    Instant limit_;
    std::optional<Instant> phase_end_;
    std::optional<Instant> hold_end_;
    int level_ = 0;
    int top_level_ = 0;
    char final_word_ = message::released;
    bool worker_gone_ = false;
    std::atomic<bool> worker_died_{false};
};

}  // namespace stillpoint::linux_os
