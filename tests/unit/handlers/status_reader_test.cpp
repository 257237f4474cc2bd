// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_reader.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_file_store.h"
#include "tests/unit/handlers/golden.h"

namespace stillpoint {
namespace {

using testing::golden;

constexpr char kTask[] = "5c1e9f70-2a64-4b0e-9d4e-6f0b6d0a7e11";

TEST(ReadStatus, KnowsAnEndedRunFromARunningOne) {
    EXPECT_EQ(read_status(golden("status/host_success.status")), (StatusGist{1, kTask, true}));
    EXPECT_EQ(read_status(golden("status/already_frozen.status")), (StatusGist{121, kTask, true}));
    EXPECT_EQ(read_status(golden("status/transition.status")), (StatusGist{4, kTask, false}));
    EXPECT_EQ(read_status(R"([{"status": {"status": "transitioning", "code": 0}}])"),
              (StatusGist{0, "", false}));
}

TEST(ReadStatus, RefusesWhatIsNoStatus) {
    for (const char* text : {"", "{}", "[]", "[1]", R"([{"status": {}}])",
                             R"([{"status": {"code": "x"}}])", R"([{"status": {"code": [1]}}])"}) {
        EXPECT_EQ(read_status(text), std::nullopt) << text;
    }
}

TEST(FindTaskDocument, LooksAtRetiredOnesToo) {
    testing::FakeFileStore folder;
    ASSERT_TRUE(folder.replace("1_status", golden("status/transition.status")));
    ASSERT_TRUE(folder.replace("2_status", golden("status/host_success.status")));
    ASSERT_TRUE(folder.replace("3.status", "half a docum"));
    EXPECT_EQ(find_task_document(folder, kTask), golden("status/host_success.status"));
    EXPECT_EQ(find_task_document(folder, "another"), std::nullopt);
    EXPECT_EQ(find_task_document(folder, ""), std::nullopt);
}

}  // namespace
}  // namespace stillpoint
