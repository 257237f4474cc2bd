// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "platform/linux/guard/ledger.h"

namespace stillpoint::linux_os {

/// How far one filesystem has come. `out`: it takes no further part; the ledger says why.
enum class Stage : std::uint8_t { opening, opened, synced, rehearsed, frozen, thawed, out };

/// The guard's threads, one per filesystem: it opens, syncs, rehearses, freezes and thaws it. The
/// loop only gives orders, so that it always answers: FITHAW of ext4 was seen to wait for as long
/// as somebody else kept the device below frozen.
///
/// Nothing is allocated after construction.
class Freezer {
public:
    /// `event_fd` is written whenever a filesystem reaches a stage.
    Freezer(Ledger& ledger, int event_fd);

    /// Orders. Each is given once, in this order; levels go up while freezing and down while
    /// thawing.
    void sync();
    void rehearse();
    void freeze_through(int level);
    void thaw_down_to(int level);
    /// Everything at once: nothing begins any more, what is frozen is thawed, what is about to be
    /// frozen is thawed as soon as it is.
    void let_go();

    /// Takes a filesystem that is late out of the game; its thread thaws what it may still freeze.
    void exclude(std::size_t index, FsResult why);

    Stage stage(std::size_t index) const { return turns_[index].stage; }
    /// The thread of this filesystem has made its last system call.
    bool finished(std::size_t index) const { return turns_[index].finished; }
    std::size_t size() const { return turns_.size(); }

private:
    struct Turn {
        std::atomic<Stage> stage{Stage::opening};
        std::atomic<bool> excluded{false};
        std::atomic<bool> finished{false};
    };

    void run(std::size_t index);
    void take_part(std::size_t index, int fd);
    bool freeze(std::size_t index, int fd);
    /// False: it is not ours any more, or the kernel refused and it is still frozen.
    bool thaw(LedgerEntry& entry, int fd, FsState afterwards);
    bool wait_for_step(std::size_t index, std::uint32_t step);
    void wait_for_thaw(std::size_t index);
    void reach(std::size_t index, Stage stage);
    void wake();

    Ledger& ledger_;
    int event_fd_;
    std::atomic<std::uint32_t> step_{0};   // how far anybody may go
    std::atomic<std::int32_t> thaw_from_;  // levels that may be thawed: this one and above
    std::atomic<std::uint32_t> orders_given_{0};
    std::vector<Turn> turns_;
};

}  // namespace stillpoint::linux_os
