// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <pthread.h>

#include "base/clock.h"
#include "base/device_number.h"
#include "base/result.h"

namespace stillpoint::linux_os {

// The ledger says what is frozen and by whom. It is a file on a memory filesystem, mapped by
// everyone who may have to thaw: writing to it never waits for a frozen filesystem, and it outlives
// every process of ours.

/// Where one filesystem stands. Only compare-and-swap moves it (LedgerEntry::word).
enum class FsState : std::uint32_t { free, freezing, frozen, thawing, thawed };

/// Everybody who may own a filesystem's state.
enum Slot : std::uint32_t {
    guard_slot,
    worker_slot,
    watcher_slot,
    first_rescuer_slot,
    slot_count = 8
};

struct Word {
    FsState state = FsState::free;
    std::uint32_t owner = guard_slot;  // meaningless when free or thawed

    bool operator==(const Word&) const = default;
};

constexpr std::uint32_t pack(Word word) {
    return static_cast<std::uint32_t>(word.state) | word.owner << 8;
}
constexpr Word unpack(std::uint32_t bits) {
    return {static_cast<FsState>(bits & 0xff), bits >> 8};
}

/// How a filesystem's turn ended; the numbers stand in the ledger.
enum class FsResult : std::uint32_t {
    not_tried,
    held,
    refused,
    foreign,
    not_openable,
    replaced,
    not_allowed,
    too_slow,
};

/// One process that may freeze or thaw.
struct Participant {
    /// Robust and shared, held by the participant's main thread for as long as it lives. A process
    /// with one thread stuck in FIFREEZE does not go away when killed: neither its socket nor its
    /// pidfd fires, but this does, since its main thread is gone.
    pthread_mutex_t alive;
    std::atomic<std::int32_t> pid;
    std::atomic<std::uint64_t> start_ticks;  // with the pid: one process and no other
};

struct LedgerEntry {
    std::atomic<std::uint32_t> word;
    std::atomic<FsResult> result;
    std::atomic<std::int32_t> freeze_errno;
    std::atomic<std::int32_t> thaw_errno;
    std::atomic<std::uint32_t> owner_lost;
    // Nanoseconds on CLOCK_BOOTTIME; 0: has not happened.
    std::atomic<std::int64_t> rehearsed;
    std::atomic<std::int64_t> freeze_begun;
    std::atomic<std::int64_t> frozen;
    std::atomic<std::int64_t> thaw_begun;
    std::atomic<std::int64_t> thawed;
    DeviceNumber device;
    std::int32_t mount_id;
    std::int32_t namespace_pid;
    std::int32_t level;
    char mount_point[PATH_MAX];
};

struct LedgerHeader {
    std::atomic<std::uint64_t> magic;  // written last: without it, it is no ledger yet
    std::uint32_t version;
    std::uint32_t count;
    std::int64_t limit_ns;
    std::uint32_t rehearse;
    std::uint32_t all_or_nothing;
    /// Where the pids in here mean something: the identity of the pid namespace.
    std::uint64_t pid_namespace;
    /// Guard rail: when restricted, nothing but these is ever frozen.
    std::uint32_t restricted;
    std::uint32_t allowed_count;
    std::array<DeviceNumber, 256> allowed;
    /// When everything must be let go: of the rehearsal first, then of the hold; 0 before.
    /// Nanoseconds on CLOCK_BOOTTIME.
    std::atomic<std::int64_t> deadline;
    std::array<Participant, slot_count> participants;
};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free,
              "the words are shared between processes");

/// What a new ledger is made of.
struct LedgerPlan {
    struct Filesystem {
        DeviceNumber device;
        std::string mount_point;
        int mount_id = 0;
        int namespace_pid = 0;
        int level = 0;
    };
    std::vector<Filesystem> filesystems;
    std::chrono::nanoseconds limit{};
    bool rehearse = true;
    bool all_or_nothing = true;
    std::optional<std::vector<DeviceNumber>> only_devices;
};

/// The mapped file. Movable; unmaps on destruction, never removes the file by itself.
class Ledger {
public:
    /// Folders where ledgers may lie, in order of preference.
    static std::vector<std::string> folders();

    /// A new file of mode 0600 in the first usable folder: a memory filesystem that is not among
    /// those to be frozen. `name` is a plain file name. Errors: ledger_unavailable, with every
    /// folder's reason.
    static Result<Ledger> create(const LedgerPlan& plan, const std::string& name);

    /// The paths of those that are there.
    static std::vector<std::string> all();

    /// An existing one. Errors: ledger_unavailable (not ours, not a ledger, another version).
    static Result<Ledger> open(const std::string& path);

    Ledger(Ledger&& other) noexcept;
    Ledger& operator=(Ledger&&) = delete;
    Ledger(const Ledger&) = delete;
    ~Ledger();

    LedgerHeader& header() const { return *header_; }
    std::span<LedgerEntry> entries() const;
    const std::string& path() const { return path_; }

    /// Nobody has to thaw anything any more.
    bool settled() const;
    /// The processes in it are those that we see under their numbers.
    bool same_pid_namespace() const;
    bool allows(DeviceNumber device) const;
    /// Removes the file; success when it is gone already.
    void remove() const noexcept;

private:
    Ledger(std::string path, LedgerHeader* header, std::size_t size)
        : path_(std::move(path)), header_(header), size_(size) {}

    std::string path_;
    LedgerHeader* header_ = nullptr;
    std::size_t size_ = 0;
};

/// Moves the word from `from` to `to`; false if it was anything else.
bool move_word(LedgerEntry& entry, Word from, Word to) noexcept;

}  // namespace stillpoint::linux_os
