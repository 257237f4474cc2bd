// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/evidence_from_ledger.h"

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

FreezeOutcome outcome_of(FsResult result) {
    switch (result) {
        case FsResult::not_tried:
            return FreezeOutcome::not_tried;
        case FsResult::held:
            return FreezeOutcome::held;
        case FsResult::refused:
            return FreezeOutcome::refused;
        case FsResult::foreign:
            return FreezeOutcome::foreign;
        case FsResult::not_openable:
            return FreezeOutcome::not_openable;
        case FsResult::replaced:
            return FreezeOutcome::replaced;
        case FsResult::not_allowed:
            return FreezeOutcome::not_allowed;
        case FsResult::too_slow:
            return FreezeOutcome::too_slow;
    }
    return FreezeOutcome::not_tried;
}

std::optional<Instant> time_of(const std::atomic<std::int64_t>& nanoseconds) {
    const std::int64_t value = nanoseconds.load();
    return value == 0 ? std::nullopt : std::optional(Instant(value));
}

}  // namespace

void evidence_from_ledger(const Ledger& ledger, const HoldPlan& plan, HoldEvidence& evidence) {
    for (std::size_t i = 0; i < plan.filesystems.size(); ++i) {
        const LedgerEntry& entry = ledger.entries()[i];
        FilesystemEvidence& made = evidence.filesystems.emplace_back();
        made.filesystem = plan.filesystems[i];
        made.outcome = outcome_of(entry.result);
        made.freeze_errno = entry.freeze_errno;
        made.thaw_errno = entry.thaw_errno;
        made.owner_lost = entry.owner_lost != 0;
        made.rehearsed = time_of(entry.rehearsed);
        made.freeze_begun = time_of(entry.freeze_begun);
        made.frozen = time_of(entry.frozen);
        made.thaw_begun = time_of(entry.thaw_begun);
        made.thawed = time_of(entry.thawed);
        const FsState state = unpack(entry.word.load()).state;
        if (state != FsState::free && state != FsState::thawed) {
            evidence.stuck.push_back(made.filesystem.mount_point);
            made.thawed.reset();
        }
    }
}

Error why_not_held(const HoldEvidence& evidence) {
    for (const FilesystemEvidence& one : evidence.filesystems) {
        const std::string& mount = one.filesystem.mount_point;
        switch (one.outcome) {
            case FreezeOutcome::held:
            case FreezeOutcome::not_tried:
                break;
            case FreezeOutcome::refused:
                return fail(Code::freeze_failed, fmt::format("cannot freeze '{}'", mount))
                    .with_errno(one.freeze_errno);
            case FreezeOutcome::foreign:
                return fail(Code::freeze_failed,
                            fmt::format("cannot freeze '{}': somebody else has frozen it", mount));
            case FreezeOutcome::not_openable:
                return fail(Code::mount_not_openable, fmt::format("cannot open '{}'", mount))
                    .with_errno(one.freeze_errno);
            case FreezeOutcome::replaced:
                return fail(Code::mount_not_openable,
                            fmt::format("another filesystem is mounted over '{}'", mount));
            case FreezeOutcome::not_allowed:
                return fail(Code::freeze_failed,
                            fmt::format("'{}' is outside only_devices", mount));
            case FreezeOutcome::too_slow:
                return fail(Code::freeze_timed_out,
                            fmt::format("'{}' did not freeze in time", mount));
        }
    }
    return fail(Code::freeze_timed_out, "the filesystems were not all frozen in time");
}

}  // namespace stillpoint::linux_os
