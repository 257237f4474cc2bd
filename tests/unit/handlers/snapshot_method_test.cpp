// SPDX-License-Identifier: Apache-2.0
#include "handlers/snapshot_method.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

struct Row {
    const char* name;
    MethodFacts facts;
    const char* method;  // or the code's name
};

TEST(DecideSnapshotMethod, FollowsTheTable) {
    const Row rows[] = {
        {"nothing said", {}, "firstHostThenGuest"},
        {"asked", {.asked = "onlyGuest"}, "onlyGuest"},
        {"asked for an unknown one", {.asked = "onlyMoon"}, "firstHostThenGuest"},
        {"case matters", {.asked = "onlyguest"}, "firstHostThenGuest"},
        {"configured",
         {.configured = "firstGuestThenHost", .asked = "onlyHost"},
         "firstGuestThenHost"},
        {"configured wrongly", {.configured = "x", .asked = "onlyHost"}, "firstHostThenGuest"},
        {"a LUN is write accelerated",
         {.configured = "onlyGuest", .asked = "onlyGuest", .lun_is_write_accelerated = true},
         "onlyHost"},
        {"write accelerated", {.asked = "onlyGuest", .any_write_accelerated = true}, "onlyHost"},
        {"confidential", {.asked = "onlyGuest", .vmgs_included = true}, "onlyHost"},
        {"direct drive", {.asked = "onlyGuest", .any_direct_drive = true}, "onlyHost"},
        {"excluded, list given", {.asked = "onlyHost", .any_disk_excluded = true}, "onlyHost"},
        {"excluded, no list",
         {.asked = "onlyHost",
          .lun_list_empty = true,
          .blobs_listed = true,
          .any_disk_excluded = true},
         "onlyGuest"},
        {"excluded, no list, no blobs",
         {.asked = "onlyHost", .lun_list_empty = true, .any_disk_excluded = true},
         "onlyHost"},
        {"excluded, no list, direct drive",
         {.asked = "onlyHost",
          .lun_list_empty = true,
          .any_disk_excluded = true,
          .any_direct_drive = true},
         "lun_list_invalid"},
        {"excluded, no list, confidential",
         {.lun_list_empty = true, .any_disk_excluded = true, .vmgs_included = true},
         "lun_list_invalid"},
        {"excluded, no list, write accelerated",
         {.lun_list_empty = true, .any_disk_excluded = true, .any_write_accelerated = true},
         "lun_list_invalid"},
        {"no list, nothing excluded", {.asked = "onlyHost", .lun_list_empty = true}, "onlyHost"},
    };
    for (const Row& row : rows) {
        const auto method = decide_snapshot_method(row.facts);
        EXPECT_EQ(method ? name_of(*method) : name_of(method.error().code()), row.method)
            << row.name;
    }
}

}  // namespace
}  // namespace stillpoint
