// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "snapshot/request.h"

namespace stillpoint {

std::string_view name_of(SnapshotMethod method);  // as `takeSnapshotFrom` spells it

/// What the choice of a method depends on.
struct MethodFacts {
    std::string configured{};  // SnapshotMethod of vmbackup.conf; empty: not set
    std::string asked{};       // takeSnapshotFrom of customSettings; empty: not given
    bool lun_list_empty = false;
    bool blobs_listed = false;              // the settings name disks for the guest to snapshot
    bool lun_is_write_accelerated = false;  // one of the LUNs is on waDiskLunList
    bool any_disk_excluded = false;
    bool any_write_accelerated = false;
    bool vmgs_included = false;
    bool any_direct_drive = false;
};

/// One row of the decision.
struct MethodRule {
    enum class Choice { guest, host, configured, asked, usual, refuse };
    std::string_view name;
    bool (*fits)(const MethodFacts&);
    Choice choice;
    std::string_view reason;  // for the log; of `refuse`, for the error
};

/// The whole decision, in order: the first rule that fits. The last one fits everything. The
/// configuration outranks the request; disks that only the host can snapshot outrank both; disks
/// that are excluded without a list of the others are left to the guest, whose list of blobs is
/// complete, if it has one.
std::span<const MethodRule> method_rules();
const MethodRule& rule_for(const MethodFacts& facts);

/// Chooses who takes the snapshots. Errors: lun_list_invalid, when disks are excluded, none is
/// listed, and the host must take the snapshots.
Result<SnapshotMethod> decide_snapshot_method(const MethodFacts& facts);

}  // namespace stillpoint
