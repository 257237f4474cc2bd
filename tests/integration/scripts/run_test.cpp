// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/scripts/script_phase.h"
#include "tests/integration/scripts/fixture.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using How = ScriptResult::How;

struct RunScript : WithRealScripts {
    /// The pre script's result; the post script succeeds.
    ScriptResult run(const std::string& text, const std::function<void(Script&)>& change = {}) {
        return run_all({one(text, change)}).at(0);
    }

    ScriptPair one(const std::string& text, const std::function<void(Script&)>& change = {}) {
        ScriptPair pair = this->pair(text, "exit 0");
        if (change) {
            change(pair.pre);
        }
        return pair;
    }

    std::vector<ScriptResult> run_all(std::vector<ScriptPair> pairs) {
        const auto keeper = keep(std::move(pairs));
        if (keeper == nullptr) {
            return {ScriptResult()};
        }
        std::vector<ScriptResult> results = keeper->run(ScriptPhase::pre);
        for (const ScriptResult& post : keeper->run(ScriptPhase::post)) {
            EXPECT_TRUE(post.succeeded());
        }
        EXPECT_FALSE(keeper->was_lost());
        return results;
    }

    /// Others may exchange what lies in the folder, so scripts are read by their descriptor.
    void open_the_folder() const { ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0); }
};

TEST_F(RunScript, TellsExitStatusAndSignal) {
    EXPECT_TRUE(run("exit 0").succeeded());
    const ScriptResult failed = run("exit 3");
    EXPECT_EQ(failed.how, How::exited);
    EXPECT_EQ(failed.number, 3);
    const ScriptResult killed = run("kill -9 $$");
    EXPECT_EQ(killed.how, How::signalled);
    EXPECT_EQ(killed.number, SIGKILL);
}

constexpr char kShowWords[] = R"(echo "$0|$#|$1|$2")";

TEST_F(RunScript, HasItsLocationAndItsParameters) {
    const ScriptResult result = run(kShowWords, [](Script& script) {
        script.parameters = {"two words", "*"};
    });

    EXPECT_EQ(result.output, folder.file("pre.sh") + "|2|two words|*\n");
}

TEST_F(RunScript, HasTheSameByDescriptor) {
    open_the_folder();
    const ScriptResult result = run(std::string(kShowWords) + "\nexit 5", [](Script& script) {
        script.parameters = {"two words", "*"};
    });

    EXPECT_EQ(result.output, folder.file("pre.sh") + "|2|two words|*\n");
    EXPECT_EQ(result.number, 5);
}

TEST_F(RunScript, ByDescriptorRunsWhatWasCheckedThoughAnotherFileLiesThere) {
    open_the_folder();
    ScriptPair pair = one("echo checked");
    const std::string other = script("other", "echo exchanged");
    ASSERT_EQ(::rename(other.c_str(), folder.file("pre.sh").c_str()), 0);

    EXPECT_EQ(run_all({std::move(pair)}).at(0).output, "checked\n");
}

/// As sh is on many systems.
TEST_F(RunScript, BashAsShBehavesTheSame) {
    if (::access("/bin/bash", X_OK) != 0) {
        GTEST_SKIP() << "there is no bash";
    }
    ASSERT_EQ(::mkdir(folder.file("bin").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("/bin/bash", folder.file("bin/sh").c_str()), 0);
    const std::string path = ::getenv("PATH");
    ::setenv("PATH", (folder.file("bin") + ":" + path).c_str(), 1);
    const std::string text = R"(echo "$0|$1|${BASH_SOURCE:-none}"; exit 4; echo never)";
    const auto with_word = [](Script& script) { script.parameters = {"x"}; };

    const ScriptResult by_path = run(text, with_word);
    EXPECT_EQ(by_path.output, folder.file("pre.sh") + "|x|" + folder.file("pre.sh") + "\n");
    EXPECT_EQ(by_path.number, 4);

    open_the_folder();
    const ScriptResult by_descriptor = run(text, with_word);
    EXPECT_THAT(by_descriptor.output, StartsWith(folder.file("pre.sh") + "|x|/proc/self/fd/"));
    EXPECT_EQ(by_descriptor.number, 4);
    ::setenv("PATH", path.c_str(), 1);
}

/// Signals 32 and 33 are the C library's own: nobody can set them, and some hosts ignore them.
TEST_F(RunScript, RunsAsWhatTheVmAgentStarts) {
    ::setenv("ConfigSequenceNumber", "17", 1);
    (void)::signal(SIGPIPE, SIG_IGN);
    const int leaked = ::open("/dev/null", O_RDONLY);
    const ScriptResult result = run(R"(umask; ulimit -Sc; id -u; echo $ConfigSequenceNumber
        ignored=$(sed -n 's/^SigIgn:.//p' /proc/self/status); echo $((0x$ignored & ~0x180000000))
        sed -n 's/^SigBlk:.//p' /proc/self/status
        ls -l /proc/$$/fd | wc -l; read line; echo "in:$?")");
    ::close(leaked);

    // "total 0", standard input, output and error, and the script that the shell reads.
    EXPECT_EQ(result.output, "0022\n0\n0\n17\n0\n0000000000000000\n5\nin:1\n");
}

TEST_F(RunScript, MayHaveCoreDumpsAgain) {
    if (::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) != 1) {
        GTEST_SKIP() << "without CAP_SYS_RESOURCE nobody can raise a limit again";
    }
    EXPECT_EQ(run("ulimit -Hc").output, "unlimited\n");
}

TEST_F(RunScript, NeverBlocksByWhatItPrints) {
    const ScriptResult result =
        run("echo first; head -c 1000000 /dev/zero | tr '\\0' 'x'; echo; echo last >&2");

    EXPECT_TRUE(result.succeeded());
    EXPECT_THAT(result.output, StartsWith("first\nxxx"));
    EXPECT_THAT(result.output, EndsWith("xxx\nlast\n"));
    EXPECT_THAT(result.output, HasSubstr("bytes left out"));
    EXPECT_LT(result.output.size(), 4200U);
}

TEST_F(RunScript, RunsAgainAfterAFailureAsOftenAsItMay) {
    const std::string counting = "echo x >>DIR/runs; test $(wc -l <DIR/runs) -ge 3";
    const ScriptResult result = run(counting, [](Script& script) { script.retries = 2; });
    EXPECT_TRUE(result.succeeded());
    EXPECT_EQ(result.runs, 3);

    ::unlink(folder.file("runs").c_str());
    const ScriptResult failed = run(counting, [](Script& script) { script.retries = 1; });
    EXPECT_EQ(failed.number, 1);
    EXPECT_EQ(read("runs"), "x\nx\n");
}

TEST_F(RunScript, EndsWithEverythingItStartedWhenItTakesTooLong) {
    const ScriptResult result = run(R"(echo begun
        sleep 1000 & echo $! >DIR/child
        setsid sh -c '(sleep 1000 & echo $! >DIR/daemon) & exit' &
        while test ! -s DIR/daemon; do :; done
        echo waiting; wait; sleep 1000)",
                                    [](Script& script) { script.limit = 2s; });

    EXPECT_EQ(result.how, How::timed_out);
    EXPECT_EQ(result.output, "begun\nwaiting\n");
    EXPECT_LT(result.took, 8s);
    for (const char* name : {"child", "daemon"}) {
        ASSERT_GT(pid_in(name), 0);
        EXPECT_FALSE(runs(pid_in(name))) << name;
    }
}

TEST_F(RunScript, EndsWithEverythingItStartedThoughItStoppedItsSupervisor) {
    const ScriptResult result =
        run("setsid sleep 1000 & echo $! >DIR/left; kill -STOP $PPID; sleep 1000",
            [](Script& script) { script.limit = 1s; });

    EXPECT_EQ(result.how, How::lost);
    ASSERT_GT(pid_in("left"), 0);
    EXPECT_FALSE(runs(pid_in("left")));
}

TEST(Drain, TakesATurnAndNoMoreThoughThereIsAlwaysMore) {
    std::vector<UniqueFd> outputs;
    outputs.emplace_back(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    drain(outputs);
    EXPECT_EQ(outputs.size(), 1U);
}

TEST_F(RunScript, IsNotRunAgainAfterItTookTooLong) {
    const ScriptResult result = run("sleep 1000", [](Script& script) {
        script.limit = 200ms;
        script.retries = 3;
    });
    EXPECT_EQ(result.how, How::timed_out);
    EXPECT_EQ(result.runs, 1);
}

TEST_F(RunScript, EndsWhenThePhaseIsOver) {
    phase_limit = 500ms;
    EXPECT_EQ(run("sleep 1000").how, How::phase_over);
}

TEST_F(RunScript, MayLeaveSomethingRunning) {
    const auto keeper = keep({pair("sleep 1000 & echo $! >DIR/left",
                                   "kill -0 $(cat DIR/left) && kill $(cat DIR/left)")});

    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());
    EXPECT_TRUE(runs(pid_in("left")));
    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).succeeded());
}

TEST_F(RunScript, WhatIsLeftRunningMayPrintForAsLongAsTheKeeperLives) {
    const auto keeper =
        keep({pair("(while test ! -e DIR/stop; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done; "
                   "echo done >DIR/done) & exit 0",
                   "echo >DIR/stop; while test ! -s DIR/done; do :; done")});

    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());
    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).succeeded());
}

TEST_F(RunScript, SideBySide) {
    ScriptPair first = {
        checked(script("a", "echo >DIR/a.is; while test ! -e DIR/b.is; do :; done")),
        checked(script("a.post", ""))};
    ScriptPair second = {
        checked(script("b", "echo >DIR/b.is; while test ! -e DIR/a.is; do :; done; exit 2")),
        checked(script("b.post", ""))};

    const auto results = run_all({std::move(first), std::move(second)});

    ASSERT_EQ(results.size(), 2U);
    EXPECT_TRUE(results[0].succeeded());
    EXPECT_EQ(results[1].number, 2);
}

TEST_F(RunScript, IsNotRunWhenItWasChangedAfterTheCheck) {
    // Kept before, changed then: as an editor does, by a new file.
    const auto keeper = keep({pair("echo >DIR/ran", "")});
    script("pre.sh", "echo >DIR/ran; exit 0");

    EXPECT_EQ(keeper->run(ScriptPhase::pre).at(0).how, How::changed);
    EXPECT_EQ(read("ran"), "");
    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).succeeded());
}

TEST_F(RunScript, ARetryIsNotRunWhenTheScriptChangedItself) {
    const ScriptResult result = run("echo ' ' >>$0; exit 1", [](Script& s) { s.retries = 5; });
    EXPECT_EQ(result.how, How::changed);
    EXPECT_EQ(result.runs, 2);
}

TEST_F(RunScript, APostScriptThatChangedIsRunAndSaidSo) {
    const auto keeper =
        keep({pair("printf 'echo new >DIR/ran' >DIR/post.sh", "echo old >DIR/ran")});
    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());

    const ScriptResult result = keeper->run(ScriptPhase::post).at(0);

    EXPECT_EQ(read("ran"), "new\n");
    EXPECT_TRUE(result.changed);
    EXPECT_FALSE(result.succeeded());
}

TEST_F(RunScript, APostScriptThatCannotBeRunAsItLiesThereIsRunAsItWasChecked) {
    for (const char* spoil : {"rm DIR/post.sh", "rm DIR/post.sh; mkdir DIR/post.sh",
                              "echo 'echo bad >DIR/ran' >DIR/b; chmod 755 DIR/b; "
                              "mv DIR/b DIR/post.sh",
                              "ln -sf /dev/zero DIR/post.sh", "ln -sf post.sh DIR/post.sh"}) {
        (void)::rmdir(folder.file("post.sh").c_str());
        (void)::unlink(folder.file("post.sh").c_str());
        (void)::unlink(folder.file("ran").c_str());
        const auto keeper = keep({pair(spoil, "echo checked >DIR/ran")});
        EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded()) << spoil;

        const ScriptResult result = keeper->run(ScriptPhase::post).at(0);

        EXPECT_EQ(read("ran"), "checked\n") << spoil;
        EXPECT_TRUE(result.ended_well() && result.changed) << spoil;
    }
}

TEST_F(RunScript, APostScriptInAFolderThatBecameOpenToOthersIsRunAsItWasChecked) {
    const auto keeper =
        keep({pair("echo 'echo other >DIR/ran' >DIR/b; chmod 700 DIR/b; "
                   "mv DIR/b DIR/post.sh; chmod 777 DIR",
                   "echo checked >DIR/ran")});
    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());

    EXPECT_TRUE(keeper->run(ScriptPhase::post).at(0).changed);

    EXPECT_EQ(read("ran"), "checked\n");
}

TEST_F(RunScript, ByDescriptorOwnerAndModeAreAskedAgain) {
    open_the_folder();
    const auto keeper =
        keep({pair("echo 'echo new >DIR/ran' >DIR/post.sh; chmod 755 DIR/post.sh", "")});
    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());

    EXPECT_EQ(keeper->run(ScriptPhase::post).at(0).how, How::changed);
    EXPECT_EQ(read("ran"), "");
}

TEST_F(RunScript, APostScriptThatOthersMayHaveWrittenIsNotRun) {
    const auto keeper =
        keep({pair("echo 'echo new >DIR/ran' >DIR/post.sh; chmod 755 DIR/post.sh", "")});
    EXPECT_TRUE(keeper->run(ScriptPhase::pre).at(0).succeeded());

    EXPECT_EQ(keeper->run(ScriptPhase::post).at(0).how, How::changed);
    EXPECT_EQ(read("ran"), "");
}

}  // namespace
}  // namespace stillpoint::linux_os
