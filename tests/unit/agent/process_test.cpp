// SPDX-License-Identifier: Apache-2.0
#include "agent/process.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace stillpoint {
namespace {

// The calls cannot be taken back, so each test looks from a process of its own.
template <class Holds>
void expect_after_preparing(Holds holds) {
    EXPECT_EXIT(
        {
            prepare_process();
            std::_Exit(holds() ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

TEST(PrepareProcess, LeavesNoCoreDump) {
    expect_after_preparing([] {
        rlimit limit{1, 1};
        return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 &&
               limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    });
}

TEST(PrepareProcess, HidesNewFilesFromOthers) {
    expect_after_preparing([] { return ::umask(0) == 077; });
}

TEST(PrepareProcess, GivesThreadsStacksSmallEnoughToLock) {
    expect_after_preparing([] {
        pthread_attr_t attributes{};
        std::size_t bytes = 0;
        return pthread_getattr_default_np(&attributes) == 0 &&
               pthread_attr_getstacksize(&attributes, &bytes) == 0 && bytes <= 1024 * 1024;
    });
}

TEST(PrepareProcess, StillFindsUsersAndHostsInTheFiles) {
    expect_after_preparing([] {
        addrinfo* found = nullptr;
        const bool resolved = ::getaddrinfo("127.0.0.1", "80", nullptr, &found) == 0;
        if (found != nullptr) {
            ::freeaddrinfo(found);
        }
        return resolved && ::getpwnam("root") != nullptr;
    });
}

}  // namespace
}  // namespace stillpoint
