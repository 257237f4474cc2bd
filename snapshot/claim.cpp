// SPDX-License-Identifier: Apache-2.0
#include "snapshot/claim.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace stillpoint {
namespace {

using Reasons = std::vector<std::string>;

template <class Filesystem>
std::string named(const Filesystem& filesystem) {
    return "'" + filesystem.mount_point + "' (" + filesystem.type + ")";
}

std::string because(int number) {
    return number == 0 ? "" : ": " + errno_text(number);
}

/// Why the filesystem was not frozen by us; empty: it was.
std::string why_not_frozen(const FilesystemEvidence& evidence) {
    const std::string name = named(evidence.filesystem);
    switch (evidence.outcome) {
        case FreezeOutcome::held:
            return "";
        case FreezeOutcome::not_tried:
            return name + " was not frozen: the hold ended before its turn";
        case FreezeOutcome::refused:
            return name + " could not be frozen" + because(evidence.freeze_errno);
        case FreezeOutcome::foreign:
            return name + " had been frozen by somebody else, who may let go at any time";
        case FreezeOutcome::not_openable:
            return name + " could not be opened" + because(evidence.freeze_errno);
        case FreezeOutcome::replaced:
            return name + " was not frozen: another filesystem is mounted there now";
        case FreezeOutcome::not_allowed:
            return name + " was not frozen: it is outside only_devices";
        case FreezeOutcome::too_slow:
            return name + " took too long to freeze";
    }
    return name + " was not frozen";
}

/// Why one planned filesystem was not still from the first request to the last reply.
std::string why_not_still(const FilesystemEvidence& evidence, const SnapshotOutcome& snapshots) {
    const std::string name = named(evidence.filesystem);
    if (std::string why = why_not_frozen(evidence); !why.empty()) {
        return why;
    }
    if (evidence.thaw_errno == EINVAL) {
        return name + " was let go early by somebody else";
    }
    if (evidence.thaw_errno != 0) {
        return "letting go of " + name + " failed" + because(evidence.thaw_errno);
    }
    if (evidence.owner_lost) {
        return "the process that held " + name + " died, so it is not known until when it was held";
    }
    if (!evidence.frozen || !evidence.thaw_begun) {
        return "it is not recorded from when until when " + name + " was held";
    }
    if (*evidence.frozen > snapshots.first_sent) {
        return name + " was frozen only after the first snapshot request had been sent";
    }
    if (*evidence.thaw_begun < snapshots.last_reply) {
        return name + " was let go before the last reply had arrived";
    }
    return "";
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

void add(Reasons& reasons, std::string reason) {
    if (!reason.empty()) {
        reasons.push_back(std::move(reason));
    }
}

/// The readings of the counters, and with them the hold, enclose the requests and replies.
bool encloses(const HoldEvidence& evidence, const SnapshotOutcome& snapshots) {
    return !evidence.not_held && !evidence.overran && !evidence.guard_lost &&
           evidence.action_begun && evidence.action_ended &&
           *evidence.action_begun <= snapshots.first_sent &&
           snapshots.first_sent <= snapshots.last_reply &&
           snapshots.last_reply <= *evidence.action_ended;
}

void add_hold_reasons(Reasons& reasons, const HoldEvidence& evidence,
                      const SnapshotOutcome& snapshots) {
    if (evidence.not_held) {
        reasons.push_back("nothing was held: " + evidence.not_held->sentence());
        return;
    }
    if (evidence.overran) {
        reasons.emplace_back(
            "everything was let go at the deadline, before the snapshots were done");
    }
    if (evidence.guard_lost) {
        reasons.emplace_back("the guard was lost while it held the filesystems");
    }
    if (reasons.empty() && !encloses(evidence, snapshots)) {
        reasons.emplace_back("the snapshots were not asked for and answered within the hold");
    }
}

void add_filesystem_reasons(Reasons& reasons, const HoldPlan& plan, const HoldEvidence& evidence,
                            const SnapshotOutcome& snapshots) {
    for (const FilesystemToHold& planned : plan.filesystems) {
        const auto is_it = [&](const FilesystemEvidence& one) {
            return one.filesystem.device == planned.device;
        };
        if (std::ranges::none_of(evidence.filesystems, is_it)) {
            reasons.push_back(named(planned) +
                              " was planned, but nothing is recorded of its freeze");
        }
        for (const FilesystemEvidence& one : evidence.filesystems) {
            if (is_it(one)) {
                add(reasons, why_not_still(one, snapshots));
            }
        }
    }
}

std::string why_not_clean(const WatchedEvidence& evidence) {
    const std::string name = named(evidence.filesystem);
    if (evidence.sync_errno != 0) {
        return name + " cannot be frozen, and syncing it failed" + because(evidence.sync_errno);
    }
    if (!evidence.still) {
        return name + " cannot be frozen and was not still" +
               (evidence.why_not.empty() ? "" : ": " + evidence.why_not);
    }
    return "";
}

void add_watched_reasons(Reasons& reasons, const HoldPlan& plan, const HoldEvidence& evidence) {
    for (const FilesystemToWatch& planned : plan.watched) {
        const auto is_it = [&](const WatchedEvidence& one) {
            return one.filesystem.device == planned.device;
        };
        const auto found = std::ranges::find_if(evidence.watched, is_it);
        add(reasons,
            found == evidence.watched.end()
                ? named(planned) + " cannot be frozen, and nothing is recorded of its state"
                : why_not_clean(*found));
    }
}

/// Null: nothing is known of what the device did.
const DeviceEvidence* counters_of(const std::string& device, const HoldEvidence& evidence) {
    const auto found = std::ranges::find(evidence.devices, device, &DeviceEvidence::name);
    return found == evidence.devices.end() || !found->readable ? nullptr : &*found;
}

/// Why its counters say that the device was written to; empty: they do not.
std::string why_moved(const DeviceEvidence& device) {
    if (device.stood_still()) {
        return "";
    }
    const BlockCounters& before = device.after_freeze;
    const BlockCounters& after = device.before_thaw;
    if (before.sectors_written != after.sectors_written) {
        return "'" + device.name + "' was written to during the hold: its sector count went from " +
               std::to_string(before.sectors_written) + " to " +
               std::to_string(after.sectors_written);
    }
    if (before.sectors_discarded != after.sectors_discarded) {
        return "'" + device.name + "' had sectors discarded during the hold";
    }
    return "'" + device.name + "' had writes in flight during the hold";
}

/// Why the device was not still. One that only held filesystems write to needs no counters: how
/// they were held is judged with them. Counters that moved are believed all the same.
std::string why_not_still(const std::string& device, const GuestPlan& plan,
                          const HoldEvidence& evidence) {
    const DeviceEvidence* counters = counters_of(device, evidence);
    if (counters == nullptr) {
        return contains(plan.covered_devices, device)
                   ? ""
                   : "the counters of '" + device +
                         "' could not be read, so nothing proves it stood still";
    }
    return contains(plan.swap_file_devices, device) ? "" : why_moved(*counters);
}

void add_device_reasons(Reasons& reasons, const GuestPlan& plan, const HoldEvidence& evidence) {
    if (plan.hold.block_devices.empty()) {
        reasons.emplace_back(
            "no block device was measured, so nothing proves that the disks stood still");
    }
    for (const std::string& device : plan.hold.block_devices) {
        add(reasons, why_not_still(device, plan, evidence));
    }
}

/// Why it is not file-system-consistent; empty: it is.
Reasons why_not_file_system(const GuestPlan& plan, const HoldEvidence& evidence,
                            const SnapshotOutcome& snapshots) {
    Reasons reasons;
    add_hold_reasons(reasons, evidence, snapshots);
    if (!evidence.not_held) {
        add_filesystem_reasons(reasons, plan.hold, evidence, snapshots);
        add_watched_reasons(reasons, plan.hold, evidence);
        add_device_reasons(reasons, plan, evidence);
    }
    for (const LeftOut& left_out : plan.left_out) {
        if (left_out.lowers_claim) {
            reasons.push_back(named(left_out) + " was not held: " + left_out.why);
        }
    }
    return reasons;
}

/// Why there is no complete set of snapshots; empty: there is.
Reasons why_incomplete(const SnapshotOutcome& snapshots) {
    Reasons reasons;
    if (snapshots.by == SnapshotOutcome::By::nobody || snapshots.disks.empty()) {
        reasons.push_back(snapshots.error ? "no snapshot was taken: " + snapshots.error->sentence()
                                          : "no snapshot was taken");
        return reasons;
    }
    if (snapshots.error) {
        reasons.push_back("the snapshot request failed: " + snapshots.error->sentence());
    }
    if (!snapshots.answered) {
        reasons.emplace_back("not every snapshot request was answered");
    }
    if (snapshots.disks_unmentioned > 0) {
        reasons.push_back("the host told of " + std::to_string(snapshots.disks.size()) + " of " +
                          std::to_string(snapshots.disks.size() + snapshots.disks_unmentioned) +
                          " disks");
    }
    for (std::size_t at = 0; at < snapshots.disks.size(); ++at) {
        const DiskOutcome& disk = snapshots.disks[at];
        if (!disk.successful) {
            reasons.push_back("there is no snapshot of disk " + std::to_string(at + 1) + " of " +
                              std::to_string(snapshots.disks.size()) +
                              (disk.error ? ": " + disk.error->sentence() : ""));
        }
    }
    return reasons;
}

bool counters_prove_one_moment(const GuestPlan& plan, const HoldEvidence& evidence,
                               const SnapshotOutcome& snapshots) {
    return encloses(evidence, snapshots) && !plan.hold.block_devices.empty() &&
           std::ranges::all_of(plan.hold.block_devices, [&](const std::string& device) {
               const DeviceEvidence* counters = counters_of(device, evidence);
               return counters != nullptr && counters->stood_still();
           });
}

/// Why the disks' snapshots are not of one moment; empty: they are, or it does not matter.
std::string why_not_one_moment(const GuestPlan& plan, const HoldEvidence& evidence,
                               const SnapshotOutcome& snapshots) {
    if (!plan.stack_spans_disks || counters_prove_one_moment(plan, evidence, snapshots)) {
        return "";
    }
    return "a mounted filesystem or its volumes lie across several disks, whose snapshots are not "
           "of one moment";
}

}  // namespace

std::string_view name_of(Consistency level) {
    switch (level) {
        case Consistency::none:
            return "none";
        case Consistency::crash:
            return "crash";
        case Consistency::file_system:
            return "file-system";
        case Consistency::application:
            return "application";
    }
    return "none";
}

Claim claim(const GuestPlan& plan, const HoldEvidence& evidence, const SnapshotOutcome& snapshots,
            const QuiescedApplications& applications) {
    const Reasons file_system = why_not_file_system(plan, evidence, snapshots);
    Reasons reasons = why_incomplete(snapshots);
    if (reasons.empty() && !file_system.empty()) {
        add(reasons, why_not_one_moment(plan, evidence, snapshots));
    }
    const Consistency below = reasons.empty() ? Consistency::crash : Consistency::none;
    std::ranges::copy(file_system, std::back_inserter(reasons));
    if (applications.any_required && !applications.all_verified) {
        reasons.push_back("not every application was quiesced" +
                          (applications.why_not.empty() ? "" : ": " + applications.why_not));
    }
    if (below == Consistency::none || !file_system.empty()) {
        return {below, std::move(reasons)};
    }
    if (!applications.any_required) {
        reasons.emplace_back("no application was set up to be quiesced");
    }
    return {reasons.empty() ? Consistency::application : Consistency::file_system,
            std::move(reasons)};
}

}  // namespace stillpoint
