// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstring>

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/local_socket.h"
#include "platform/linux/scripts/keeper.h"
#include "platform/linux/scripts/keeper_wire.h"

namespace {

/// Takes a plan, answers with what nobody understands, and stays. Its end is certain all the same.
int keep_badly(const char* name) {
    using namespace stillpoint;
    using namespace stillpoint::linux_os;
    namespace wire = keeper_wire;
    (void)::alarm(90);
    const Result<UniqueFd> socket = connect_to(name);
    const Instant until = boottime_now() + std::chrono::seconds(20);
    while (const auto message = socket ? wire::receive(socket->get(), until) : std::nullopt) {
        if (message->words[0] == wire::kLock) {
            (void)wire::send(socket->get(), {wire::kReady});
        } else if (message->words[0] == wire::kRun) {
            for (int i = 0; i < 3; ++i) {
                (void)wire::send(socket->get(), {"nonsense"});
            }
            (void)::pause();
        }
    }
    return 1;
}

}  // namespace

/// The tests; or, as the agent is for its worker, the process that keeps scripts:
/// `... script-keeper --socket NAME`; or one that keeps them badly.
int main(int argc, char** argv) {
    if (argc == 4 && std::strcmp(argv[1], "script-keeper") == 0) {
        stillpoint::prepare_process();
        return stillpoint::linux_os::keep_scripts(argv[3]);
    }
    if (argc == 4 && std::strcmp(argv[1], "bad-keeper") == 0) {
        return keep_badly(argv[3]);
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
