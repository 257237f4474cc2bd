// SPDX-License-Identifier: Apache-2.0
#include "handlers/snapshot_method.h"

namespace stillpoint {
namespace {

SnapshotMethod method_from(std::string_view name) {
    for (const SnapshotMethod method :
         {SnapshotMethod::only_guest, SnapshotMethod::only_host,
          SnapshotMethod::first_guest_then_host, SnapshotMethod::first_host_then_guest}) {
        if (name == name_of(method)) {
            return method;
        }
    }
    return SnapshotMethod::first_host_then_guest;
}

}  // namespace

std::string_view name_of(SnapshotMethod method) {
    switch (method) {
        case SnapshotMethod::only_guest:
            return "onlyGuest";
        case SnapshotMethod::only_host:
            return "onlyHost";
        case SnapshotMethod::first_guest_then_host:
            return "firstGuestThenHost";
        case SnapshotMethod::first_host_then_guest:
            return "firstHostThenGuest";
    }
    return "unknown";
}

Result<SnapshotMethod> decide_snapshot_method(const MethodFacts& facts) {
    const bool host_only_disks =
        facts.any_write_accelerated || facts.vmgs_included || facts.any_direct_drive;
    if (facts.any_disk_excluded && facts.lun_list_empty && host_only_disks) {
        return fail(Code::lun_list_invalid,
                    "disks are excluded but the list of disks is empty, and some disk "
                    "(DirectDrive, write accelerated or of a confidential machine) can only "
                    "be snapshotted by the host");
    }
    if (facts.any_disk_excluded && facts.lun_list_empty && facts.blobs_listed) {
        return SnapshotMethod::only_guest;
    }
    if (host_only_disks || facts.lun_is_write_accelerated) {
        return SnapshotMethod::only_host;
    }
    return method_from(facts.configured.empty() ? facts.asked : facts.configured);
}

}  // namespace stillpoint
