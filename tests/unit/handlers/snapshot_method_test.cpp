// SPDX-License-Identifier: Apache-2.0
#include "handlers/snapshot_method.h"

#include <algorithm>
#include <iterator>

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

struct Row {
    const char* name;
    MethodFacts facts;
    const char* rule;
    const char* method;  // or the code's name
};

const Row kRows[] = {
    {"NothingSaid", {}, "nothing said", "firstHostThenGuest"},
    {"Asked", {.asked = "onlyGuest"}, "asked for", "onlyGuest"},
    {"AskedForTheHost", {.asked = "onlyHost"}, "asked for", "onlyHost"},
    {"AskedForBoth", {.asked = "firstGuestThenHost"}, "asked for", "firstGuestThenHost"},
    {"AskedForAnUnknownOne", {.asked = "onlyMoon"}, "asked for", "firstHostThenGuest"},
    {"CaseMatters", {.asked = "onlyguest"}, "asked for", "firstHostThenGuest"},
    {"Configured",
     {.configured = "firstGuestThenHost", .asked = "onlyHost"},
     "configured",
     "firstGuestThenHost"},
    {"ConfiguredWrongly",
     {.configured = "x", .asked = "onlyHost"},
     "configured",
     "firstHostThenGuest"},
    {"AListedDiskIsWriteAccelerated",
     {.configured = "onlyGuest", .asked = "onlyGuest", .lun_is_write_accelerated = true},
     "a listed disk is write accelerated",
     "onlyHost"},
    {"WriteAccelerated",
     {.asked = "onlyGuest", .any_write_accelerated = true},
     "some disk is write accelerated",
     "onlyHost"},
    {"Confidential",
     {.asked = "onlyGuest", .vmgs_included = true},
     "the guest state of a confidential machine",
     "onlyHost"},
    {"DirectDrive",
     {.configured = "onlyGuest", .any_direct_drive = true},
     "some disk is DirectDrive",
     "onlyHost"},
    {"ExcludedListGiven",
     {.asked = "onlyHost", .blobs_listed = true, .any_disk_excluded = true},
     "asked for",
     "onlyHost"},
    {"ExcludedNoList",
     {.asked = "onlyHost", .lun_list_empty = true, .blobs_listed = true, .any_disk_excluded = true},
     "some excluded, none listed, blobs listed",
     "onlyGuest"},
    {"ExcludedNoListNoBlobs",
     {.asked = "onlyHost", .lun_list_empty = true, .any_disk_excluded = true},
     "asked for",
     "onlyHost"},
    {"ExcludedNoListDirectDrive",
     {.asked = "onlyHost",
      .lun_list_empty = true,
      .any_disk_excluded = true,
      .any_direct_drive = true},
     "host-only disks, some excluded, none listed",
     "lun_list_invalid"},
    {"ExcludedNoListConfidential",
     {.lun_list_empty = true,
      .blobs_listed = true,
      .any_disk_excluded = true,
      .vmgs_included = true},
     "host-only disks, some excluded, none listed",
     "lun_list_invalid"},
    {"ExcludedNoListWriteAccelerated",
     {.lun_list_empty = true, .any_disk_excluded = true, .any_write_accelerated = true},
     "host-only disks, some excluded, none listed",
     "lun_list_invalid"},
    {"NoListNothingExcluded",
     {.asked = "onlyHost", .lun_list_empty = true, .blobs_listed = true},
     "asked for",
     "onlyHost"},
};

struct DecideSnapshotMethod : ::testing::TestWithParam<Row> {};

TEST_P(DecideSnapshotMethod, FollowsTheTable) {
    const MethodFacts& facts = GetParam().facts;

    const auto method = decide_snapshot_method(facts);

    EXPECT_EQ(rule_for(facts).name, GetParam().rule);
    EXPECT_EQ(method ? name_of(*method) : name_of(method.error().code()), GetParam().method);
}

INSTANTIATE_TEST_SUITE_P(Rows, DecideSnapshotMethod, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(MethodRules, EachHasARowHere) {
    for (const MethodRule& rule : method_rules()) {
        EXPECT_TRUE(std::ranges::any_of(kRows, [&](const Row& row) {
            return std::string_view(row.rule) == rule.name;
        })) << rule.name;
        EXPECT_FALSE(rule.reason.empty());
    }
}

}  // namespace
}  // namespace stillpoint
