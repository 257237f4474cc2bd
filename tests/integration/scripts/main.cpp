// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include <gtest/gtest.h>

#include "agent/process.h"
#include "platform/linux/scripts/keeper.h"

/// The tests; or, as the agent is for its worker, the process that keeps scripts:
/// `... script-keeper --socket NAME`.
int main(int argc, char** argv) {
    if (argc == 4 && std::strcmp(argv[1], "script-keeper") == 0) {
        stillpoint::prepare_process();
        return stillpoint::linux_os::keep_scripts(argv[3]);
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
