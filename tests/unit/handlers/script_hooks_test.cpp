// SPDX-License-Identifier: Apache-2.0
#include "handlers/script_hooks.h"

#include <cerrno>

#include <gmock/gmock.h>

#include "tests/fakes/fake_clock.h"
#include "tests/unit/handlers/scripts_fixture.h"

namespace stillpoint::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using How = ScriptResult::How;

struct RunScripts : WithScripts {
    FakeClock clock;
    Log log{clock};
    std::string logged;

    RunScripts() {
        log.add_sink([this](const LogLine& line) { logged += line.text + "\n"; });
    }

    /// Quiesces, and resumes as the one who called must.
    struct Came {
        QuiesceOutcome quiesced;
        std::optional<Error> resumed;
        std::optional<Error> doubt;
    };
    Came run() {
        ScriptHooks hooks(system, log);
        Came came;
        came.quiesced = hooks.quiesce();
        journal.emplace_back("snapshot");
        came.resumed = hooks.resume();
        came.doubt = hooks.doubt();
        return came;
    }

    void end(const std::string& location, How how, int number = 0, std::string output = {}) {
        system.ends[location] = {
            .how = how, .number = number, .runs = 1, .output = std::move(output)};
    }
};

TEST_F(RunScripts, AroundTheSnapshot) {
    const Came came = run();

    EXPECT_EQ(journal, (Journal{"pre " + kPre, "snapshot", "post " + kPost}));
    EXPECT_TRUE(came.quiesced.ran);
    EXPECT_TRUE(came.quiesced.hold);
    EXPECT_FALSE(came.quiesced.error || came.resumed || came.doubt);
}

TEST_F(RunScripts, OfEveryPlugin) {
    add_second();

    (void)run();

    EXPECT_EQ(journal,
              (Journal{"pre " + kPre, "pre /b/pre", "snapshot", "post " + kPost, "post /b/post"}));
}

TEST_F(RunScripts, NoneAreSetUpOnTheUsualMachine) {
    system.files.clear();

    const Came came = run();

    EXPECT_EQ(journal, Journal{"snapshot"});
    EXPECT_FALSE(came.quiesced.ran || came.quiesced.error);
    EXPECT_EQ(came.quiesced.why_left_out, "");
    EXPECT_EQ(logged.find("Warning"), std::string::npos) << logged;
}

TEST_F(RunScripts, LeavesThemOutSilentlyWhenTheConfigurationIsBroken) {
    system.add(kConfig, 0600, "{");

    const Came came = run();

    EXPECT_EQ(journal, Journal{"snapshot"});
    EXPECT_FALSE(came.quiesced.error);
    EXPECT_THAT(came.quiesced.why_left_out, HasSubstr("is no JSON"));
    EXPECT_THAT(logged, HasSubstr("[script_config_malformed]"));
}

TEST_F(RunScripts, LeavesThemOutWhenAScriptIsNotRight) {
    system.files[kPost]->is.mode = 0755;

    const Came came = run();

    EXPECT_EQ(journal, Journal{"snapshot"});
    ASSERT_TRUE(came.quiesced.error);
    EXPECT_EQ(came.quiesced.error->code(), Code::post_script_permissions);
    EXPECT_TRUE(came.quiesced.may_continue);
    EXPECT_TRUE(came.quiesced.hold);
}

TEST_F(RunScripts, StopsTheBackupWhenAScriptIsNotRightAndMustBe) {
    configure(R"(,"continueBackupOnFailure":false)");
    system.files[kPre]->is.mode = 0755;

    EXPECT_FALSE(run().quiesced.may_continue);
}

TEST_F(RunScripts, GoesOnWhenTheConfigurationItselfIsNotRight) {
    configure(R"(,"continueBackupOnFailure":false)");
    system.files[kConfig]->is.mode = 0644;

    const Came came = run();

    EXPECT_EQ(came.quiesced.error->code(), Code::script_config_permissions);
    EXPECT_TRUE(came.quiesced.may_continue);
}

TEST_F(RunScripts, TellsHowAPreScriptFailedAndRunsThePostScript) {
    end(kPre, How::exited, 3, "trying\nno database\n");

    const Came came = run();

    EXPECT_EQ(journal, (Journal{"pre " + kPre, "snapshot", "post " + kPost}));
    ASSERT_TRUE(came.quiesced.error);
    EXPECT_EQ(came.quiesced.error->describe(),
              "the pre script '/etc/azure/pre.sh' ended with exit status 3, its last words 'no "
              "database' [pre_script_failed]");
    EXPECT_TRUE(came.quiesced.may_continue);
    EXPECT_THAT(logged, HasSubstr("output='trying | no database'"));
}

TEST_F(RunScripts, StopsTheBackupWhenAPreScriptFailsThatMustNot) {
    configure(R"(,"continueBackupOnFailure":false)");
    end(kPre, How::exited, 1);

    EXPECT_FALSE(run().quiesced.may_continue);
}

TEST_F(RunScripts, StopsTheBackupWhenNothingRestsAndNothingWouldBeHeld) {
    configure(R"(,"fsFreezeEnabled":false)");
    end(kPre, How::exited, 1);

    EXPECT_FALSE(run().quiesced.may_continue);
}

TEST_F(RunScripts, LooksAtThePluginThatFailed) {
    add_second(R"(,"continueBackupOnFailure":false)");
    end(kPre, How::exited, 1);

    EXPECT_TRUE(run().quiesced.may_continue);

    system.ends.clear();
    end("/b/pre", How::exited, 1);
    EXPECT_FALSE(run().quiesced.may_continue);
}

TEST_F(RunScripts, APostScriptThatMayFailIsADoubt) {
    end(kPost, How::signalled, 9);

    const Came came = run();

    EXPECT_FALSE(came.resumed);
    ASSERT_TRUE(came.doubt);
    EXPECT_EQ(came.doubt->code(), Code::post_script_failed);
    EXPECT_THAT(came.doubt->message(), HasSubstr("was ended by signal 9"));
}

TEST_F(RunScripts, APostScriptThatMustNotFailEndsTheBackup) {
    configure(R"(,"continueBackupOnFailure":false)");
    end(kPost, How::exited, 2);

    const Came came = run();

    EXPECT_FALSE(came.quiesced.may_continue);
    ASSERT_TRUE(came.resumed);
    EXPECT_EQ(came.resumed->code(), Code::post_script_failed);
}

TEST_F(RunScripts, APostScriptThatChangedAndSucceededIsOnlyADoubt) {
    configure(R"(,"continueBackupOnFailure":false)");
    system.ends[kPost] = {.how = How::exited, .changed = true, .runs = 1};

    const Came came = run();

    EXPECT_FALSE(came.resumed);
    ASSERT_TRUE(came.doubt);
    EXPECT_EQ(came.doubt->code(), Code::script_changed);
    EXPECT_THAT(came.doubt->message(), Not(HasSubstr("was not run")));
}

TEST_F(RunScripts, APostScriptThatWasNotRunBecauseItChangedEndsTheBackupAndSaysSo) {
    configure(R"(,"continueBackupOnFailure":false)");
    system.ends[kPost] = {.how = How::changed, .changed = true, .runs = 1};

    const Came came = run();

    ASSERT_TRUE(came.resumed);
    EXPECT_EQ(came.resumed->code(), Code::script_changed);
    EXPECT_THAT(came.resumed->message(), HasSubstr("was not run"));
}

TEST_F(RunScripts, NamesTheFailureThatEndsTheBackupBeforeADoubt) {
    add_second(R"(,"continueBackupOnFailure":false)");
    system.ends[kPost] = {.how = How::exited, .changed = true, .runs = 1};
    end("/b/post", How::exited, 2);

    const Came came = run();

    ASSERT_TRUE(came.resumed);
    EXPECT_EQ(came.resumed->code(), Code::post_script_failed);
}

TEST_F(RunScripts, PostScriptsThatDidNotWaitAreADoubtThatNamesNoDeath) {
    system.keeper_is_early = true;

    const Came came = run();

    EXPECT_FALSE(came.resumed);
    ASSERT_TRUE(came.doubt);
    EXPECT_EQ(came.doubt->code(), Code::script_keeper_lost);
    EXPECT_THAT(came.doubt->message(), HasSubstr("took longer"));
    EXPECT_THAT(came.doubt->message(), Not(HasSubstr("died")));
}

TEST_F(RunScripts, AKeeperThatDiedIsADoubt) {
    system.keeper_dies = true;

    const Came came = run();

    EXPECT_FALSE(came.resumed);
    ASSERT_TRUE(came.doubt);
    EXPECT_EQ(came.doubt->code(), Code::script_keeper_lost);
}

TEST_F(RunScripts, WithoutAKeeperThePreScriptFailed) {
    system.cannot_keep = fail(Code::internal, "no process").with_errno(EAGAIN);

    const Came came = run();

    EXPECT_EQ(journal, Journal{"snapshot"});
    EXPECT_FALSE(came.quiesced.ran);
    EXPECT_EQ(came.quiesced.error->code(), Code::pre_script_failed);
    EXPECT_THAT(came.quiesced.error->sentence(), HasSubstr("Resource temporarily unavailable"));
}

TEST(FailureOf, HasACodeForEachEndAndPhase) {
    struct Row {
        ScriptResult result;
        ScriptPhase phase;
        Code code;
    };
    for (const Row& row : {
             Row{{.how = How::exited, .number = 1}, ScriptPhase::pre, Code::pre_script_failed},
             Row{{.how = How::exited, .number = 1}, ScriptPhase::post, Code::post_script_failed},
             Row{{.how = How::not_started, .number = ENOENT},
                 ScriptPhase::post,
                 Code::post_script_failed},
             Row{{.how = How::lost}, ScriptPhase::pre, Code::pre_script_failed},
             Row{{.how = How::timed_out}, ScriptPhase::pre, Code::pre_script_timed_out},
             Row{{.how = How::timed_out}, ScriptPhase::post, Code::post_script_timed_out},
             Row{{.how = How::phase_over}, ScriptPhase::pre, Code::pre_scripts_timed_out},
             Row{{.how = How::phase_over}, ScriptPhase::post, Code::post_scripts_timed_out},
             Row{{.how = How::changed}, ScriptPhase::pre, Code::script_changed},
             Row{{.how = How::changed, .changed = true}, ScriptPhase::post, Code::script_changed},
             Row{{.how = How::exited, .changed = true}, ScriptPhase::post, Code::script_changed},
             Row{{.how = How::exited, .number = 1, .changed = true},
                 ScriptPhase::post,
                 Code::post_script_failed},
         }) {
        const auto error = failure_of(row.result, row.phase, "/x");
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code(), row.code) << error->describe();
        EXPECT_THAT(error->message(), HasSubstr("script '/x'"));
    }
    EXPECT_FALSE(failure_of({.how = How::exited}, ScriptPhase::pre, "/x"));
}

TEST(FailureOf, QuotesTheEndOfALongLastLineWithoutCuttingALetter) {
    const std::string line = "ü" + std::string(199, 'x');
    const auto error = failure_of({.how = How::exited, .number = 1, .output = "first\n" + line},
                                  ScriptPhase::pre, "/x");

    EXPECT_THAT(error->message(), HasSubstr("'..." + std::string(199, 'x') + "'"));
}

}  // namespace
}  // namespace stillpoint::testing
