// SPDX-License-Identifier: Apache-2.0

// Deaths and stops at moments that nobody chose: opening, sync, rehearsal, freeze, hold, thaw.

#include <filesystem>
#include <fstream>
#include <random>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/rescuer.h"
#include "tests/integration/still_point/scratch.h"

namespace stillpoint::testing {
namespace {

constexpr int kRounds = 20;

/// A worker that holds for 30 ms, again and again; `limit` of each hold 1 s.
struct ChaosTest : StillPointTest {
    std::mt19937 random{static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed())};
    int worker = 0;
    int ended = 0;  // the last worker that was

    void start_worker() {
        worker = ::fork();
        ASSERT_GE(worker, 0);
        if (worker == 0) {
            (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const HoldPlan plan = plan_for(mounts, 1s);
            while (true) {
                (void)still_point.hold(plan, [](Deadline) { std::this_thread::sleep_for(30ms); });
            }
        }
        ASSERT_TRUE(wait_until(5s, [this] { return !helpers_of(worker, false).empty(); }));
    }
    void pause_at_random(int most_ms) {
        std::this_thread::sleep_for(
            std::chrono::microseconds(std::uniform_int_distribution(0, most_ms * 1000)(random)));
    }
    /// Everybody of a worker, the worker first.
    std::vector<int> everybody() const {
        EXPECT_GT(worker, 0);
        std::vector<int> all{worker};
        for (const bool watchers : {false, true}) {
            for (const int pid : helpers_of(worker, watchers)) {
                all.push_back(pid);
            }
        }
        return all;
    }
    /// Every thread of it: a dead main thread stays for as long as another is in the kernel.
    static bool has_ended(int pid) {
        std::error_code gone;
        const auto tasks =
            std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone);
        const bool alone = gone || std::distance(begin(tasks), end(tasks)) <= 1;
        std::ifstream cmdline(fmt::format("/proc/{}/cmdline", pid));
        return alone && cmdline.peek() == std::ifstream::traits_type::eof();
    }
    void end_worker() {
        if (worker > 0) {
            (void)::kill(worker, SIGKILL);
            (void)::waitpid(worker, nullptr, 0);
            ended = worker;
        }
        worker = 0;
    }
    /// Also after a failure: a worker that goes on would freeze in the tests that follow.
    void TearDown() override {
        end_worker();
        StillPointTest::TearDown();
    }
    /// Once the worker and all its helpers are gone: before, a hold may go on and be right to.
    void expect_let_go(const std::string& what) {
        EXPECT_TRUE(writable_within(mounts, 6s)) << what;
        for (const bool watchers : {false, true}) {
            EXPECT_TRUE(wait_until(10s, [&] { return helpers_of(ended, watchers).empty(); }))
                << what << ": a helper stays";
        }
        for (const std::string& mount : mounts) {
            EXPECT_EQ(foreign_thaw(mount), EINVAL) << mount << " was left frozen: " << what;
        }
    }
};

TEST_F(ChaosTest, LetsGoWhoeverIsKilledWhenever) {
    for (int round = 0; round < kRounds; ++round) {
        start_worker();
        pause_at_random(120);
        const auto mask = std::uniform_int_distribution(1U, 7U)(random);
        std::vector<int> victims = everybody();
        std::string what = fmt::format("round {}: killed", round);
        for (std::size_t i = 0; i < victims.size() && i < 3; ++i) {
            if ((mask >> i & 1) != 0) {
                what += fmt::format(" {}", i == 0 ? "worker" : i == 1 ? "guard" : "watcher");
                ASSERT_GT(victims[i], 0);  // 0 and below are groups, and everybody
                (void)::kill(victims[i], SIGKILL);
            }
        }
        for (std::size_t i = 0; i < victims.size() && i < 3; ++i) {
            // A killed guard may be inside FIFREEZE yet, and a write before it comes back proves
            // nothing.
            EXPECT_TRUE((mask >> i & 1) == 0 ||
                        wait_until(5s, [&] { return has_ended(victims[i]); }))
                << what;
        }
        if (mask != 7) {
            // Somebody is left, and has to be let do it before the worker is ended.
            EXPECT_TRUE(writable_within(mounts, 6s)) << what;
        }
        end_worker();
        if (mask == 7) {
            // The last net. Killed is not dead yet: whoever seems to live is left to do its work.
            EXPECT_TRUE(wait_until(5s, [] { return linux_os::thaw_stale({}, 5s).live == 0; }));
        }
        expect_let_go(what);
    }
}

TEST_F(ChaosTest, LetsGoWhenTheGuardIsStoppedWhenever) {
    for (int round = 0; round < kRounds / 4; ++round) {
        start_worker();
        pause_at_random(60);
        const std::vector<int> guards = helpers_of(worker, false);
        for (const int guard : guards) {
            (void)::kill(guard, SIGSTOP);
        }
        EXPECT_TRUE(writable_within(mounts, 6s)) << "round " << round;
        end_worker();
        for (const int guard : guards) {
            (void)::kill(guard, SIGCONT);
        }
        expect_let_go(fmt::format("round {}: and continued", round));
    }
}

TEST_F(ChaosTest, GuardLetsGoWhenToldToStopWhenever) {
    for (int round = 0; round < kRounds / 2; ++round) {
        start_worker();
        pause_at_random(60);
        for (const int guard : helpers_of(worker, false)) {
            (void)::kill(guard, SIGTERM);
        }
        end_worker();
        expect_let_go(fmt::format("round {}: guard told to stop", round));
    }
}

}  // namespace
}  // namespace stillpoint::testing
