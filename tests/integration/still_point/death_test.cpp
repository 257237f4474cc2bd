// SPDX-License-Identifier: Apache-2.0

// Whoever of ours dies, or is stopped, while the guest is held: everything is let go.

#include <filesystem>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/ledger.h"
#include "platform/linux/guard/participant.h"
#include "platform/linux/guard/rescuer.h"
#include "tests/integration/still_point/scratch.h"

namespace stillpoint::testing {
namespace {

TEST_F(StillPointTest, LetsGoItselfWhenTheGuardIsKilled) {
    const HoldEvidence evidence = still_point.hold(plan_for(mounts), [&](Deadline) {
        const std::vector<int> guards = helpers_of(::getpid(), false);
        ASSERT_EQ(guards.size(), 1U);
        kill_and_wait(guards[0], SIGKILL);
        EXPECT_TRUE(writable_within(mounts, 2s));
    });

    EXPECT_TRUE(evidence.guard_lost);
    for (const FilesystemEvidence& one : evidence.filesystems) {
        EXPECT_TRUE(one.owner_lost) << one.filesystem.mount_point;
        EXPECT_FALSE(one.held_until_thaw());
        EXPECT_EQ(one.thaw_errno, 0) << "it was thawed twice";
    }
}

TEST_F(StillPointTest, KillsAGuardThatWasStoppedAndLetsGo) {
    const HoldEvidence evidence = still_point.hold(plan_for(mounts, 500ms), [&](Deadline) {
        const std::vector<int> guards = helpers_of(::getpid(), false);
        ASSERT_EQ(guards.size(), 1U);
        kill_and_wait(guards[0], SIGSTOP);
        EXPECT_TRUE(writable_within(mounts, 5s));
    });

    EXPECT_TRUE(evidence.overran);
    EXPECT_TRUE(of(evidence, mounts[0]).owner_lost);
}

TEST_F(StillPointTest, DoesNotCallHeldWhatTheGuardLetGoEarly) {
    const HoldEvidence evidence = still_point.hold(plan_for(mounts), [&](Deadline) {
        for (const int guard : helpers_of(::getpid(), false)) {
            kill_and_wait(guard, SIGTERM);
        }
        EXPECT_TRUE(writable_within(mounts, 2s));
    });

    EXPECT_FALSE(evidence.overran);
    EXPECT_FALSE(evidence.held_throughout());
}

TEST_F(StillPointTest, SettlesWhatAStoppedGuardLeftFrozenInItsRehearsal) {
    // The ledger of a guard that was stopped between a rehearsal's freeze and its thaw.
    const HoldPlan plan = plan_for({mounts[0]});
    Result<linux_os::Ledger> made = linux_os::Ledger::create(
        {.filesystems = {{plan.filesystems[0].device, mounts[0], plan.filesystems[0].mount_id}},
         .limit = 1s,
         .only_devices = std::nullopt},
        fmt::format("{}-rehearsal.ledger", ::getpid()));
    ASSERT_TRUE(made) << made.error().describe();
    linux_os::Ledger& ledger = *made;
    const int guard = ::fork();
    if (guard == 0) {
        const linux_os::Presence presence(ledger, linux_os::guard_slot);
        ledger.header().deadline = (linux_os::boottime_now() + 100ms).count();
        (void)foreign_freeze(mounts[0]);
        ledger.entries()[0].word =
            linux_os::pack({linux_os::FsState::frozen, linux_os::guard_slot});
        ::raise(SIGSTOP);
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(guard, nullptr, WUNTRACED), guard);

    linux_os::StaleReport report;
    EXPECT_TRUE(wait_until(3s, [&] {
        report = linux_os::thaw_stale(ledger.path(), 2s);
        return report.live == 0;
    }));

    EXPECT_EQ(report.thawed, 1);
    EXPECT_TRUE(ledger.settled());
    EXPECT_EQ(::kill(guard, SIGKILL), 0);
    EXPECT_EQ(::waitpid(guard, nullptr, 0), guard);
}

/// A worker of its own, that holds until it is killed.
struct DyingWorkerTest : StillPointTest {
    int worker = 0;

    void SetUp() override {
        int held[2];
        ASSERT_EQ(::pipe2(held, O_CLOEXEC), 0);
        worker = ::fork();
        if (worker == 0) {
            (void)still_point.hold(plan_for(mounts, limit()), [&](Deadline) {
                (void)!::write(held[1], "!", 1);
                ::pause();
            });
            ::_exit(0);
        }
        ::close(held[1]);
        char word = 0;
        ASSERT_EQ(::read(held[0], &word, 1), 1) << "the worker did not come to hold";
        ::close(held[0]);
        EXPECT_EQ(helpers_of(worker, false).size(), 1U);
        EXPECT_EQ(helpers_of(worker, true).size(), 1U);
    }
    virtual std::chrono::milliseconds limit() const { return 10s; }

    void TearDown() override {
        if (worker > 0) {  // 0 and below are groups, and everybody
            (void)::kill(worker, SIGKILL);
            (void)::waitpid(worker, nullptr, 0);
        }
        for (const bool watchers : {false, true}) {
            EXPECT_TRUE(wait_until(5s, [&] { return helpers_of(worker, watchers).empty(); }));
        }
        for (const std::string& folder : linux_os::Ledger::folders()) {
            std::error_code ignored;
            for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
                EXPECT_FALSE(
                    entry.path().filename().string().starts_with(fmt::format("{}-", worker)))
                    << entry.path() << " was left behind";
            }
        }
        StillPointTest::TearDown();
    }
};

TEST_F(DyingWorkerTest, GuardLetsGoWhenTheWorkerIsKilled) {
    kill_and_wait(worker, SIGKILL);

    EXPECT_TRUE(writable_within(mounts, 2s));
}

TEST_F(DyingWorkerTest, WatcherLetsGoWhenWorkerAndGuardAreKilled) {
    for (const int guard : helpers_of(worker, false)) {
        kill_and_wait(guard, SIGSTOP);
        kill_and_wait(worker, SIGKILL);
        kill_and_wait(guard, SIGKILL);
    }

    EXPECT_TRUE(writable_within(mounts, 3s));
}

TEST_F(DyingWorkerTest, ThawStaleLetsGoWhenAllAreKilled) {
    std::vector<int> all = helpers_of(worker, true);
    for (const int guard : helpers_of(worker, false)) {
        all.push_back(guard);
    }
    all.push_back(worker);
    for (const int pid : all) {
        kill_and_wait(pid, SIGSTOP);
    }
    for (const int pid : all) {
        kill_and_wait(pid, SIGKILL);
    }

    const linux_os::StaleReport report = linux_os::thaw_stale({}, 5s);

    EXPECT_GE(report.ledgers, 1);
    EXPECT_GE(report.thawed, static_cast<int>(mounts.size()));
    EXPECT_TRUE(report.stuck.empty());
    EXPECT_TRUE(writable_within(mounts, 2s));
}

TEST_F(DyingWorkerTest, ThawStaleLeavesALivingHoldAlone) {
    const linux_os::StaleReport report = linux_os::thaw_stale({}, 1s);

    EXPECT_GE(report.live, 1);
    EXPECT_EQ(report.thawed, 0);
    const auto write = std::make_unique<Write>(mounts[0]);
    EXPECT_FALSE(write->done_within(50ms)) << "the hold was ended";
    kill_and_wait(worker, SIGKILL);
    EXPECT_TRUE(write->done_within(2s));
}

/// In a mount namespace of its own, where the scratch filesystems are not mounted: how many it
/// finds stuck.
int thaw_stale_elsewhere(const std::vector<std::string>& mounts) {
    const int child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            ::_exit(255);
        }
        for (const std::string& mount : mounts) {
            (void)::umount2(mount.c_str(), MNT_DETACH);
        }
        ::_exit(static_cast<int>(linux_os::thaw_stale({}, 500ms).stuck.size()));
    }
    int status = 0;
    (void)::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(DyingWorkerTest, ThawStaleLeavesWhatItCannotOpenToTheOthers) {
    kill_and_wait(worker, SIGSTOP);
    for (const int guard : helpers_of(worker, false)) {
        kill_and_wait(guard, SIGKILL);
    }

    EXPECT_GE(thaw_stale_elsewhere(mounts), static_cast<int>(mounts.size()));

    kill_and_wait(worker, SIGCONT);
    EXPECT_TRUE(writable_within(mounts, 3s)) << "it took the word and kept it";
}

struct StoppedWorkerTest : DyingWorkerTest {
    std::chrono::milliseconds limit() const override { return 2s; }
};

TEST_F(StoppedWorkerTest, GuardLetsGoAtTheDeadline) {
    kill_and_wait(worker, SIGSTOP);

    EXPECT_TRUE(writable_within(mounts, 4s));
}

}  // namespace
}  // namespace stillpoint::testing
