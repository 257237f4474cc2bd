// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/device_number.h"
#include "base/error.h"

namespace stillpoint {

/// One superblock that is to be frozen.
struct FilesystemToHold {
    DeviceNumber device;      // mountinfo's, one per superblock
    std::string mount_point;  // where it is opened, in the namespace of namespace_pid
    std::string type;
    int mount_id = 0;       // what must be found there, else it is not opened
    int namespace_pid = 0;  // 0: our own mount namespace; else opened through /proc/PID/root
    /// Order: level 0 is frozen first, all of one level together; thawed in reverse.
    int level = 0;

    bool operator==(const FilesystemToHold&) const = default;
};

/// A mounted filesystem that cannot be frozen (vfat): it is synced before and after the hold, and
/// its devices' counters say whether anything was written between.
struct FilesystemToWatch {
    DeviceNumber device;
    std::string mount_point;
    std::string type;
    int mount_id = 0;
    int namespace_pid = 0;
    std::vector<std::string> block_devices;  // names in /sys/class/block

    bool operator==(const FilesystemToWatch&) const = default;
};

/// Everything a hold needs to know, decided before.
struct HoldPlan {
    std::vector<FilesystemToHold> filesystems;
    std::vector<FilesystemToWatch> watched;
    /// Partitions (or unpartitioned disks) under the snapshotted disks whose counters are evidence;
    /// where swap lies on one of them, also the volumes beside the swap.
    std::vector<std::string> block_devices;
    /// Everything is let go this long after the freeze began, whatever happens.
    std::chrono::milliseconds limit{20'000};
    /// Each filesystem is frozen and thawed once just before (docs/adr/0005-rehearsal.md).
    bool rehearse = true;
    /// A filesystem that cannot be frozen ends the hold before `action`; else the rest is held and
    /// the evidence says which one was not.
    bool all_or_nothing = true;
    /// Guard rail for tests: the guard freezes nothing else. No value: no restriction.
    std::optional<std::vector<DeviceNumber>> only_devices;
};

enum class FreezeOutcome {
    held,       // frozen by us; see the times and thaw_errno for until when
    not_tried,  // the hold ended before its turn
    refused,    // FIFREEZE failed: freeze_errno
    foreign,    // EBUSY: somebody else had frozen it already; not ours to count, not ours to thaw
    not_openable,  // the mount point could not be opened: freeze_errno
    replaced,      // what is mounted there is not what was planned
    not_allowed,   // outside only_devices
    too_slow,      // the freeze (or its rehearsal) was not back in time; let go as soon as it was
};

/// What happened to one filesystem. All times are on the steady clock (base/clock.h).
struct FilesystemEvidence {
    FilesystemToHold filesystem;
    FreezeOutcome outcome = FreezeOutcome::not_tried;
    int freeze_errno = 0;
    std::optional<Instant> rehearsed;     // when the rehearsal's thaw had returned
    std::optional<Instant> freeze_begun;  // FIFREEZE was called
    std::optional<Instant> frozen;        // FIFREEZE had returned 0
    std::optional<Instant> thaw_begun;    // FITHAW was called: held from `frozen` until here
    std::optional<Instant> thawed;  // FITHAW had returned; no value: still stuck in it, or unknown
    int thaw_errno = 0;             // EINVAL: somebody let go before us
    bool owner_lost = false;        // the process that froze it died; another one of ours let go

    bool held_until_thaw() const {
        return outcome == FreezeOutcome::held && thaw_errno == 0 && !owner_lost;
    }
};

/// Fields 7 and 14 of a block device's stat file and the writes in flight: reading them writes
/// nothing. Source: Linux, Documentation/block/stat.rst.
struct BlockCounters {
    std::uint64_t sectors_written = 0;
    std::uint64_t sectors_discarded = 0;
    std::uint64_t writes_in_flight = 0;

    bool operator==(const BlockCounters&) const = default;
};

/// What one device's counters said right after the freeze and right before the thaw.
struct DeviceEvidence {
    std::string name;
    bool readable = false;  // false: no counters, or the kernel was told not to keep them
    BlockCounters after_freeze;
    BlockCounters before_thaw;

    /// Nobody, known to us or not, changed the device between the two readings.
    bool stood_still() const {
        return readable && after_freeze.sectors_written == before_thaw.sectors_written &&
               after_freeze.sectors_discarded == before_thaw.sectors_discarded &&
               after_freeze.writes_in_flight == 0 && before_thaw.writes_in_flight == 0;
    }
};

/// A filesystem that cannot be frozen: synced, watched, synced again behind the hold.
struct WatchedEvidence {
    FilesystemToWatch filesystem;
    int sync_errno = 0;  // of the first or the second sync
    bool still =
        false;  // no sector of its devices moved from the first sync until after the second
    std::string why_not;  // when not still, in words
};

/// What a hold proved.
struct HoldEvidence {
    /// Set when `action` was not run: nothing was held, or not enough of it. Everything is let go.
    std::optional<Error> not_held;

    std::vector<FilesystemEvidence> filesystems;
    std::vector<DeviceEvidence> devices;
    std::vector<WatchedEvidence> watched;
    std::optional<Instant> action_begun;
    std::optional<Instant> action_ended;
    Instant deadline{};
    /// The deadline passed before `action` returned: everything was let go under it.
    bool overran = false;
    /// The guard died or was stopped while holding; we let go ourselves.
    bool guard_lost = false;
    /// Filesystems still inside FIFREEZE or FITHAW when hold() returned: the guard waits for them.
    std::vector<std::string> stuck;

    /// Everything planned was frozen by us from before `action` until after it, or cannot be frozen
    /// and stood still.
    bool held_throughout() const {
        return !not_held && !overran && !guard_lost && action_begun && action_ended &&
               std::ranges::all_of(filesystems,
                                   [this](const FilesystemEvidence& one) {
                                       return one.held_until_thaw() && one.frozen &&
                                              one.thaw_begun && *one.frozen <= *action_begun &&
                                              *one.thaw_begun >= *action_ended;
                                   }) &&
               std::ranges::all_of(watched, &WatchedEvidence::still);
    }
};

/// The one way to have the guest's writes held still.
///
/// There is no freeze() and no thaw(): to be inside `action` is to be held, so nobody can forget to
/// let go. One still point serves one hold at a time.
class StillPoint {
public:
    virtual ~StillPoint() = default;

    /// Holds what `plan` names, runs `action` once while it is held, lets go, and says what was
    /// observed. Meanwhile writes to the held filesystems block, this process's own log files
    /// included. Everything is let go at the deadline handed to `action`, whether it has returned
    /// or not.
    ///
    /// When too little could be held (HoldPlan::all_or_nothing), `action` is not run and `not_held`
    /// says why: freeze_failed, freeze_timed_out, mount_not_openable, guard_unavailable,
    /// ledger_unavailable. What goes wrong later is evidence, not an error.
    virtual HoldEvidence hold(const HoldPlan& plan,
                              const std::function<void(Deadline)>& action) = 0;
};

}  // namespace stillpoint
