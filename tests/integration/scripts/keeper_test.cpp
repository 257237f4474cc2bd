// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <iterator>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/child_process.h"
#include "platform/linux/file_lock.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/systemd.h"
#include "tests/integration/scripts/fixture.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using How = ScriptResult::How;

struct Keeper : WithRealScripts {
    /// A worker, killed wherever `work` has come to by then, and never before the file is written.
    void kill_worker(const std::string& once_written, const std::function<void()>& work) {
        const pid_t worker = ::fork();
        if (worker == 0) {
            work();
            ::pause();
            ::_exit(0);
        }
        EXPECT_TRUE(soon_written(once_written));
        ASSERT_EQ(::kill(worker, SIGKILL), 0);
        (void)::waitpid(worker, nullptr, 0);
    }

    /// There the keeper is no child that a test could find.
    static void skip_under_systemd() {
        if (systemd_runs()) {
            GTEST_SKIP() << "see tests/lab";
        }
    }

    /// Until the keeper, and every script, has ended: then nobody has the lock.
    bool all_ended() const {
        const auto lock = lock_file(folder.file("scripts.lock"), boottime_now() + 20s);
        return lock && lock->has_value();
    }
};

TEST_F(Keeper, EndsWithoutRunningAnythingWhenNothingWasBegun) {
    keep({pair("echo >DIR/pre", "echo >DIR/post")}).reset();

    EXPECT_TRUE(all_ended());
    EXPECT_EQ(read("pre") + read("post"), "");
}

TEST_F(Keeper, RunsThePostScriptWhenTheWorkerIsKilledBetweenThePhases) {
    kill_worker("between", [&] {
        const auto keeper = keep({pair("echo pre >>DIR/order", "echo post >>DIR/order")});
        (void)keeper->run(ScriptPhase::pre);
        folder.write("between", "now\n");
        ::pause();
    });

    EXPECT_TRUE(all_ended());
    EXPECT_EQ(read("order"), "pre\npost\n");
}

TEST_F(Keeper, EndsThePreScriptAndRunsThePostScriptWhenTheWorkerIsKilledDuringIt) {
    kill_worker("sleeper", [&] {
        const auto keeper =
            keep({pair("sleep 1000 & echo $! >DIR/sleeper; wait", "echo >DIR/post")});
        (void)keeper->run(ScriptPhase::pre);
    });

    EXPECT_TRUE(all_ended());
    EXPECT_EQ(read("post"), "\n");
    EXPECT_FALSE(runs(pid_in("sleeper")));
}

TEST_F(Keeper, RunsThePostScriptToItsEndWhenTheWorkerIsKilledDuringIt) {
    kill_worker("begun", [&] {
        const auto keeper = keep({pair("", "echo >DIR/begun; sleep 1; echo >DIR/ended")});
        (void)keeper->run(ScriptPhase::pre);
        (void)keeper->run(ScriptPhase::post);
    });

    EXPECT_TRUE(all_ended());
    EXPECT_EQ(read("ended"), "\n");
}

TEST_F(Keeper, RunsThePostScriptWhenNobodyAskedForIt) {
    auto keeper = keep({pair("", "echo >DIR/post")});
    (void)keeper->run(ScriptPhase::pre);
    keeper.reset();

    EXPECT_TRUE(all_ended());
    EXPECT_EQ(read("post"), "\n");
}

TEST_F(Keeper, IsReplacedWhenItIsKilledBetweenThePhases) {
    skip_under_systemd();
    if (IsSkipped()) {
        return;
    }
    const auto keeper = keep({pair("", "echo x >>DIR/post")});
    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());
    ASSERT_EQ(::kill(keeper_of_this_process(), SIGKILL), 0);

    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).succeeded());

    EXPECT_TRUE(keeper->was_lost());
    EXPECT_EQ(read("post"), "x\n");
}

TEST_F(Keeper, IsReplacedWhenItIsKilledDuringThePreScriptWhichIsEndedFirst) {
    skip_under_systemd();
    if (IsSkipped()) {
        return;
    }
    const auto keeper = keep({pair("sleep 1000 & echo $! >DIR/sleeper; wait",
                                   "kill -0 $(cat DIR/sleeper) && exit 9; echo x >>DIR/post")});
    const pid_t victim = keeper_of_this_process();
    const pid_t helper = ::fork();
    if (helper == 0) {
        ::_exit(soon_written("sleeper") && ::kill(victim, SIGKILL) == 0 ? 0 : 1);
    }

    const Instant began = boottime_now();
    const auto pre = keeper->run(ScriptPhase::pre);
    EXPECT_LT(boottime_now() - began, 8s) << "not ended before its own limit";
    (void)::waitpid(helper, nullptr, 0);

    EXPECT_TRUE(pre.empty() || pre.at(0).how == How::lost);
    EXPECT_FALSE(runs(pid_in("sleeper")));
    const auto post = keeper->run(ScriptPhase::post);
    ASSERT_EQ(post.size(), 1U);
    EXPECT_TRUE(post[0].succeeded()) << post[0].number;
    EXPECT_EQ(read("post"), "x\n");
}

TEST_F(Keeper, GoesOnWhenItIsAskedToStop) {
    skip_under_systemd();
    if (IsSkipped()) {
        return;
    }
    const auto keeper = keep({pair("", "echo x >>DIR/post")});
    (void)keeper->run(ScriptPhase::pre);
    const pid_t pid = keeper_of_this_process();
    for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
        ASSERT_EQ(::kill(pid, number), 0);
    }

    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).succeeded());
    EXPECT_FALSE(keeper->was_lost());
}

TEST_F(Keeper, ThatOfAnotherBackupIsWaitedFor) {
    const auto first = keep({pair("", "")});
    LinuxScriptSystem::Settings impatient = settings();
    impatient.lock_limit = 100ms;

    const auto second = LinuxScriptSystem(impatient).keep({pair("", "")}, 10s);

    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::another_backup_runs);
}

/// Instead of systemd-run; what the service would run is "$@".
struct KeeperAsService : Keeper {
    std::string path = ::getenv("PATH");
    LinuxScriptSystem::Settings as_service = settings();

    KeeperAsService() {
        as_service.as_service = true;
        EXPECT_EQ(::mkdir(folder.file("bin").c_str(), 0700), 0);
        ::setenv("PATH", (folder.file("bin") + ":" + path).c_str(), 1);
    }
    ~KeeperAsService() override { ::setenv("PATH", path.c_str(), 1); }

    void be_systemd_run(const std::string& text) const {
        script(
            "bin/systemd-run",
            "#!/bin/sh\necho \"$*\" >>DIR/words\nwhile test \"$1\" != --; do shift; done; shift\n" +
                text + "\nexit 0\n");
    }
};

TEST_F(KeeperAsService, IsNotGivenTheLoginsOfProxies) {
    be_systemd_run("");
    as_service.start_limit = 2s;
    ::setenv("https_proxy", "http://user:password@proxy.test:1", 1);
    ::setenv("ConfigSequenceNumber", "7", 1);
    (void)LinuxScriptSystem(as_service).keep({pair("", "")}, 10s);
    ::unsetenv("https_proxy");

    EXPECT_THAT(read("words"), ::testing::HasSubstr("--setenv=ConfigSequenceNumber=7"));
    EXPECT_THAT(read("words"), ::testing::Not(::testing::HasSubstr("password")));
}

TEST_F(KeeperAsService, ThatNeverCallsBackIsReplacedByAChild) {
    be_systemd_run("echo \"$@\" >DIR/asked");
    as_service.start_limit = 4s;

    const auto keeper = LinuxScriptSystem(as_service).keep({pair("", "echo x >>DIR/post")}, 10s);

    ASSERT_TRUE(keeper) << keeper.error().describe();
    EXPECT_THAT(read("asked"), ::testing::HasSubstr("script-keeper --socket"));
    EXPECT_TRUE((*keeper)->run(ScriptPhase::pre).at(0).succeeded());
    EXPECT_TRUE((*keeper)->run(ScriptPhase::post).at(0).succeeded());
    EXPECT_EQ(read("post"), "x\n");
}

/// As before Linux 5.3.
bool forget_pidfds() {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(rules)), rules};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

TEST_F(KeeperAsService, IsKilledWithoutPidfdsToo) {
    be_systemd_run("\"$@\" & echo $! >DIR/keeper");
    as_service.keeper_command = {own_program(), "bad-keeper"};
    const pid_t worker = ::fork();
    if (worker == 0) {
        if (!forget_pidfds()) {
            ::_exit(3);
        }
        const auto keeper = LinuxScriptSystem(as_service).keep({pair("", "")}, 1s);
        ::_exit(keeper && (*keeper)->run(ScriptPhase::pre).empty() ? 0 : 4);
    }
    int status = 0;
    (void)::waitpid(worker, &status, 0);

    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    ASSERT_GT(pid_in("keeper"), 0);
    EXPECT_TRUE(soon([&] { return !runs(pid_in("keeper")); }));
}

TEST_F(Keeper, ThatCannotBeStartedIsAnError) {
    LinuxScriptSystem::Settings without = settings();
    without.keeper_command = {folder.file("none")};
    const auto none = LinuxScriptSystem(without).keep({pair("", "")}, 10s);
    ASSERT_FALSE(none);

    // One that never calls back.
    without.keeper_command = {"/bin/true"};
    const Instant began = boottime_now();
    ASSERT_FALSE(LinuxScriptSystem(without).keep({pair("", "")}, 10s));
    EXPECT_LT(boottime_now() - began, 10s) << "its end is noticed";
}

}  // namespace
}  // namespace stillpoint::linux_os
