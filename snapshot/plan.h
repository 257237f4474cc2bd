// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/inventory.h"
#include "platform/still_point.h"

namespace stillpoint {

/// Which filesystems to hold.
struct HoldSelection {
    /// LUNs of the snapshotted disks, -1 the OS disk; empty: every disk but resource, local and
    /// remote ones.
    std::vector<int> luns;
    /// Mount points to hold and nothing else (`hold --only`), with or without a slash at the end.
    /// Empty: everything eligible.
    std::vector<std::string> only_mounts;
    /// MountsToSkip: exact mount points.
    std::vector<std::string> skip_mounts;
    /// Guard rail for tests.
    std::optional<std::vector<DeviceNumber>> only_devices;
};

/// A mounted filesystem that will not be held, and what that means for the claim.
struct LeftOut {
    DeviceNumber device;
    std::string mount_point;
    std::string type;
    std::string why;
    /// It lies, writable, on a snapshotted disk: its state there is not consistent.
    bool lowers_claim = false;
};

/// What is to be held, what will be watched, what is left out and why: every mounted filesystem is
/// in exactly one of the lists (pseudo filesystems without any storage are counted, not listed).
struct GuestPlan {
    HoldPlan hold;
    std::vector<LeftOut> left_out;
    /// Whole disks that are snapshotted, by name: "sda". Facts for the claim's crash level.
    std::vector<std::string> disks;
    /// A mounted device stack (LVM, md, btrfs, stripes) lies on more than one snapshotted disk.
    bool stack_spans_disks = false;
    /// Devices with an active swap file, or swap volume beside others: their sectors may move
    /// although everything is frozen.
    std::vector<std::string> swap_file_devices;
    /// Those of hold.block_devices on which only held filesystems write (snapshot/coverage.h):
    /// their stillness follows from the freeze, even if they have no counters.
    std::vector<std::string> covered_devices;
    std::vector<std::string> warnings;  // the inventory's gaps among them
    int pseudo_filesystems = 0;
};

/// Plans a hold of the machine that `inventory` describes. Pure: reads nothing, touches nothing.
/// Errors: mount_unknown (a mount of only_mounts that there is not), nothing_to_hold (every one of
/// only_mounts was left out; the message names each with its reason).
Result<GuestPlan> plan_hold(const Inventory& inventory, const HoldSelection& selection);

}  // namespace stillpoint
