// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/freeze_still_point.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <system_error>

#include <unistd.h>

#include "base/format.h"
#include "platform/linux/block_counters.h"
#include "platform/linux/evidence_from_ledger.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/message.h"
#include "platform/linux/guard/participant.h"
#include "platform/linux/guard/rescuer.h"
#include "platform/linux/guard_process.h"
#include "platform/linux/watched_filesystems.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStartLimit = 20s;
constexpr auto kWatchedSyncLimit = 10s;
/// The guard's own limits, added up, and a little: it always answers, or it is dead or stopped.
constexpr int kGuardLimits = 5;
constexpr Instant kAnswerLimit = 3s;

LedgerPlan ledger_plan(const HoldPlan& plan) {
    LedgerPlan made{.filesystems = {},
                    .limit = plan.limit,
                    .rehearse = plan.rehearse,
                    .all_or_nothing = plan.all_or_nothing,
                    .only_devices = plan.only_devices};
    for (const FilesystemToHold& filesystem : plan.filesystems) {
        made.filesystems.push_back({filesystem.device, filesystem.mount_point, filesystem.mount_id,
                                    filesystem.namespace_pid, filesystem.level});
    }
    return made;
}

std::string ledger_name() {
    std::random_device random;
    return fmt::format("{}-{:08x}{:08x}.ledger", ::getpid(), random(), random());
}

HoldEvidence not_held(const HoldPlan& plan, Error why) {
    HoldEvidence evidence;
    evidence.not_held = std::move(why);
    for (const FilesystemToHold& filesystem : plan.filesystems) {
        evidence.filesystems.emplace_back().filesystem = filesystem;
    }
    return evidence;
}

/// Runs the action between two readings of the counters.
class CountedAction {
public:
    explicit CountedAction(const std::vector<std::string>& devices)
        : names_(devices), reader_(devices), before_(reader_.size()), after_(reader_.size()) {}

    void run(const std::function<void(Deadline)>& action, Deadline deadline,
             HoldEvidence& evidence) {
        reader_.read_all(before_);
        evidence.action_begun = boottime_now();
        action(deadline);
        evidence.action_ended = boottime_now();
        reader_.read_all(after_);
        evidence.overran = deadline.passed(*evidence.action_ended);
        evidence.deadline = deadline.at();
    }

    void add_to(HoldEvidence& evidence) const {
        for (std::size_t i = 0; i < names_.size(); ++i) {
            DeviceEvidence device;
            device.name = names_[i];
            device.readable = before_[i] && after_[i];
            device.after_freeze = before_[i].value_or(BlockCounters{});
            device.before_thaw = after_[i].value_or(BlockCounters{});
            evidence.devices.push_back(std::move(device));
        }
    }

private:
    std::vector<std::string> names_;
    BlockCounterReader reader_;
    std::vector<CounterReading> before_;
    std::vector<CounterReading> after_;
};

/// One hold with a ledger, a guard and our own descriptors beside it.
class HoldInProgress {
public:
    HoldInProgress(const HoldPlan& plan, std::shared_ptr<Ledger> ledger)
        : plan_(plan), ledger_(std::move(ledger)), presence_(*ledger_, worker_slot) {}

    /// Errors: guard_unavailable; then nothing was frozen.
    Result<void> start(const std::string& guard_program) {
        try {
            return start_all(guard_program);
        } catch (const std::system_error& error) {
            return fail(Code::guard_unavailable, fmt::format("no thread for it: {}", error.what()));
        }
    }

    /// The guard's answer to "hold": no value when it is gone.
    std::optional<char> freeze() {
        helpers_->guard.say(message::hold);
        return helpers_->guard.hear(boottime_now() + plan_.limit * kGuardLimits + kAnswerLimit);
    }

    Deadline deadline() const { return Deadline(Instant(ledger_->header().deadline.load())); }

    /// Ends when everything is let go, or will not be let go in time.
    void release() {
        helpers_->guard.say(message::release);
        const Instant until = std::max(boottime_now(), deadline().at()) + kAnswerLimit;
        if (helpers_->guard.hear(until) != message::released) {
            rescue();
        }
    }

    /// The guard is dead, or has been stopped for so long that it must not go on: our own threads
    /// thaw.
    void rescue() {
        kill_participant(ledger_->header().participants[guard_slot]);
        rescuer_->go();
        (void)rescuer_->settled(boottime_now() + kAnswerLimit);
    }

    void collect(HoldEvidence& evidence) {
        evidence.guard_lost = guard_lost_;
        evidence_from_ledger(*ledger_, plan_, evidence);
        guard_watch_.reset();
        if (ledger_->settled()) {
            ledger_->remove();
        }
    }

private:
    Result<void> start_all(const std::string& guard_program) {
        // Ours, for the day the guard dies: opened now, since a frozen filesystem's mount point may
        // not be openable (a virus scanner that answers from the same filesystem).
        rescuer_.emplace(ledger_, worker_slot);
        const Instant until = boottime_now() + kStartLimit;
        Result<HoldHelpers> helpers = start_helpers(guard_program, *ledger_, until);
        if (!helpers) {
            return helpers.error();
        }
        helpers_.emplace(std::move(*helpers));
        (void)rescuer_->opened(until);
        guard_watch_.emplace(
            *ledger_, guard_slot, [this] { lost(); },
            [this] {
                if (is_overdue(*ledger_)) {
                    rescuer_->go();  // kills a guard that does nothing; then lost() follows
                }
            });
        return {};
    }

    void lost() {
        guard_lost_ = true;
        rescuer_->go();
        // A dead guard with a thread in the kernel keeps its end open: stop listening to it.
        helpers_->guard.hang_up();
    }

    const HoldPlan& plan_;
    std::shared_ptr<Ledger> ledger_;
    Presence presence_;
    std::optional<Rescuer> rescuer_;
    std::optional<HoldHelpers> helpers_;
    std::atomic<bool> guard_lost_{false};
    std::optional<DeathWatch> guard_watch_;
};

}  // namespace

HoldEvidence FreezeStillPoint::hold(const HoldPlan& plan,
                                    const std::function<void(Deadline)>& action) {
    HoldEvidence evidence;
    WatchedFilesystems watched(plan.watched, kWatchedSyncLimit);
    CountedAction counted(plan.block_devices);
    if (plan.filesystems.empty()) {
        counted.run(action, Deadline(boottime_now() + plan.limit), evidence);
        counted.add_to(evidence);
        evidence.watched = watched.finish(kWatchedSyncLimit);
        return evidence;
    }
    Result<Ledger> ledger = Ledger::create(ledger_plan(plan), ledger_name());
    if (!ledger) {
        return not_held(plan, ledger.error());
    }
    const auto shared = std::make_shared<Ledger>(std::move(*ledger));
    HoldInProgress hold(plan, shared);
    if (const Result<void> started = hold.start(guard_program_); !started) {
        shared->remove();
        return not_held(plan, started.error());
    }
    log_.hold();
    const std::optional<char> answer = hold.freeze();
    if (answer == message::held) {
        counted.run(action, hold.deadline(), evidence);
        hold.release();
    } else if (!answer) {
        hold.rescue();
    }
    hold.collect(evidence);
    if (answer == message::held) {
        counted.add_to(evidence);
    } else {
        evidence.not_held =
            answer ? why_not_held(evidence)
                   : fail(Code::guard_unavailable, "the guard died before everything was held");
    }
    if (evidence.stuck.empty()) {
        log_.release();
    }
    evidence.watched = watched.finish(kWatchedSyncLimit);
    return evidence;
}

}  // namespace stillpoint::linux_os
