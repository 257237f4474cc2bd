// SPDX-License-Identifier: Apache-2.0
#include "handlers/snapshot_method.h"

#include <algorithm>
#include <array>

namespace stillpoint {
namespace {

using Facts = MethodFacts;
using Choice = MethodRule::Choice;

constexpr std::array kMethods = {SnapshotMethod::only_guest, SnapshotMethod::only_host,
                                 SnapshotMethod::first_guest_then_host,
                                 SnapshotMethod::first_host_then_guest};

/// The first one whose condition holds decides.
constexpr MethodRule kRules[] = {
    {"host-only disks, some excluded, none listed",
     [](const Facts& f) {
         return f.any_disk_excluded && f.lun_list_empty &&
                (f.any_write_accelerated || f.vmgs_included || f.any_direct_drive);
     },
     Choice::refuse,
     "disks are excluded but the list of disks is empty, and some disk (DirectDrive, write "
     "accelerated or of a confidential machine) can only be snapshotted by the host"},
    {"some excluded, none listed, blobs listed",
     [](const Facts& f) { return f.any_disk_excluded && f.lun_list_empty && f.blobs_listed; },
     Choice::guest,
     "disks are excluded and none is listed by number: the list of blobs is the complete one"},
    {"a listed disk is write accelerated",
     [](const Facts& f) { return f.lun_is_write_accelerated; }, Choice::host,
     "a listed disk is write accelerated"},
    {"some disk is write accelerated", [](const Facts& f) { return f.any_write_accelerated; },
     Choice::host, "some disk is write accelerated"},
    {"the guest state of a confidential machine", [](const Facts& f) { return f.vmgs_included; },
     Choice::host, "the machine's guest state is to be snapshotted too"},
    {"some disk is DirectDrive", [](const Facts& f) { return f.any_direct_drive; }, Choice::host,
     "some disk is a DirectDrive disk"},
    {"configured", [](const Facts& f) { return !f.configured.empty(); }, Choice::configured,
     "SnapshotMethod of vmbackup.conf says so"},
    {"asked for", [](const Facts& f) { return !f.asked.empty(); }, Choice::asked,
     "the request says so"},
    {"nothing said", [](const Facts&) { return true; }, Choice::usual,
     "neither the request nor vmbackup.conf says how"},
};

/// A text that is none of the four means the usual one, as the service expects.
SnapshotMethod method_from(std::string_view name) {
    const auto* found = std::ranges::find_if(
        kMethods, [&](SnapshotMethod method) { return name_of(method) == name; });
    return found == kMethods.end() ? SnapshotMethod::first_host_then_guest : *found;
}

SnapshotMethod chosen(Choice choice, const Facts& facts) {
    switch (choice) {
        case Choice::guest:
            return SnapshotMethod::only_guest;
        case Choice::host:
            return SnapshotMethod::only_host;
        case Choice::configured:
            return method_from(facts.configured);
        case Choice::asked:
            return method_from(facts.asked);
        case Choice::usual:
        case Choice::refuse:
            break;
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

std::span<const MethodRule> method_rules() {
    return kRules;
}

const MethodRule& rule_for(const MethodFacts& facts) {
    return *std::ranges::find_if(kRules, [&](const MethodRule& rule) { return rule.fits(facts); });
}

Result<SnapshotMethod> decide_snapshot_method(const MethodFacts& facts) {
    const MethodRule& rule = rule_for(facts);
    if (rule.choice == Choice::refuse) {
        return fail(Code::lun_list_invalid, std::string(rule.reason));
    }
    return chosen(rule.choice, facts);
}

}  // namespace stillpoint
