// SPDX-License-Identifier: Apache-2.0
#include "handlers/script_checks.h"

#include <cerrno>
#include <functional>

#include <gmock/gmock.h>

#include "tests/unit/handlers/scripts_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using CheckScripts = WithScripts;

TEST_F(CheckScripts, TakesWhatIsSetUpWithoutAnOwnPluginHostConfiguration) {
    configure(R"(,"timeoutInSeconds":30,"preScriptParams":["x"],"postScriptNoOfRetries":2,
                 "appName":"mysql")");

    const CheckedScripts checked = check_scripts(system);

    ASSERT_FALSE(checked.error) << checked.error->describe();
    ASSERT_EQ(checked.pairs.size(), 1U);
    EXPECT_EQ(checked.pairs[0].pre.location, kPre);
    EXPECT_THAT(checked.pairs[0].pre.parameters, ElementsAre("x"));
    EXPECT_EQ(checked.pairs[0].pre.limit, seconds(30));
    EXPECT_EQ(checked.pairs[0].post.retries, 2);
    EXPECT_EQ(checked.pairs[0].post.file, system.files[kPost]);
    EXPECT_EQ(checked.phase_limit, seconds(1800));
    EXPECT_EQ(checked.app_name, "mysql");
    EXPECT_THAT(checked.warnings, IsEmpty());
}

TEST_F(CheckScripts, CapsAScriptsTimeByThePluginHosts) {
    plug_in({kConfig});
    system.files[kPluginHostConfig]->text += "timeoutInSeconds = 7\n";

    const CheckedScripts checked = check_scripts(system);

    EXPECT_EQ(checked.pairs.at(0).pre.limit, seconds(7));
    EXPECT_EQ(checked.phase_limit, seconds(7));
}

TEST_F(CheckScripts, TakesSeveralPluginsAndTheLastOnesFreeze) {
    add_second(R"(,"fsFreezeEnabled":false,"continueBackupOnFailure":false)");

    const CheckedScripts checked = check_scripts(system);

    ASSERT_EQ(checked.pairs.size(), 2U);
    EXPECT_EQ(checked.pairs[1].post.location, "/b/post");
    EXPECT_THAT(checked.continues, ElementsAre(true, false));
    EXPECT_FALSE(checked.freeze);
}

TEST_F(CheckScripts, OnlyWarnsOfAFolderInWhichOthersMayExchangeTheScript) {
    system.files[kPre]->is.exchangeable_in = "/etc/azure";

    const CheckedScripts checked = check_scripts(system);

    EXPECT_FALSE(checked.error);
    ASSERT_EQ(checked.warnings.size(), 1U);
    EXPECT_THAT(checked.warnings[0], HasSubstr("'/etc/azure/pre.sh': others than root may"));
}

struct Row {
    const char* name;
    Code code;
    std::function<void(CheckScripts&)> spoil;
};

const Error kIo = fail(Code::file_unreadable, "cannot read it").with_errno(EIO);

const Row kRows[] = {
    {"304 plugin", Code::plugin_host_config_malformed,
     [](CheckScripts& t) {
         t.plug_in({kConfig});
         t.system.files[kPluginHostConfig]->text =
             "[pre_post]\nnumberOfPlugins=1\npluginName0=Evil\npluginConfigPath0=/x\n";
     }},
    {"305", Code::script_config_malformed,
     [](CheckScripts& t) { t.system.add(kConfig, 0600, "{"); }},
    {"302 missing", Code::pre_script_missing, [](CheckScripts& t) { t.system.files.erase(kPre); }},
    {"302 a folder", Code::pre_script_missing,
     [](CheckScripts& t) { t.system.files[kPre]->is.regular = false; }},
    {"302 unreadable", Code::pre_script_missing,
     [](CheckScripts& t) { t.system.cannot_open.emplace(kPre, kIo); }},
    {"303", Code::post_script_missing, [](CheckScripts& t) { t.system.files.erase(kPost); }},
    {"306 mode", Code::pre_script_permissions,
     [](CheckScripts& t) { t.system.files[kPre]->is.mode = 0750; }},
    {"306 owner", Code::pre_script_permissions,
     [](CheckScripts& t) { t.system.files[kPre]->is.owned_by_root = false; }},
    {"307 mode", Code::post_script_permissions,
     [](CheckScripts& t) { t.system.files[kPost]->is.mode = 0701; }},
    {"307 owner", Code::post_script_permissions,
     [](CheckScripts& t) { t.system.files[kPost]->is.owned_by_root = false; }},
    {"313", Code::plugin_host_config_missing,
     [](CheckScripts& t) { t.system.cannot_open.emplace(kPluginHostConfig, kIo); }},
    {"314", Code::plugin_host_config_permissions,
     [](CheckScripts& t) {
         t.plug_in({kConfig});
         t.system.files[kPluginHostConfig]->is.mode = 0664;
     }},
    {"315", Code::plugin_host_config_owner,
     [](CheckScripts& t) {
         t.plug_in({kConfig});
         t.system.files[kPluginHostConfig]->is.owned_by_root = false;
     }},
    {"316", Code::script_config_missing, [](CheckScripts& t) { t.system.files.erase(kConfig); }},
    {"317 readable", Code::script_config_permissions,
     [](CheckScripts& t) { t.system.files[kConfig]->is.mode = 0640; }},
    {"317 executable", Code::script_config_permissions,
     [](CheckScripts& t) { t.system.files[kConfig]->is.mode = 0700; }},
    {"318", Code::script_config_owner,
     [](CheckScripts& t) { t.system.files[kConfig]->is.owned_by_root = false; }},
};

struct CheckScriptsFault : CheckScripts, ::testing::WithParamInterface<Row> {};

TEST_P(CheckScriptsFault, HasACodeOfItsOwn) {
    GetParam().spoil(*this);

    const CheckedScripts checked = check_scripts(system);

    ASSERT_TRUE(checked.error);
    EXPECT_EQ(checked.error->code(), GetParam().code) << checked.error->describe();
    EXPECT_THAT(checked.error->message(), HasSubstr("'/"));
}

INSTANTIATE_TEST_SUITE_P(All, CheckScriptsFault, ::testing::ValuesIn(kRows), [](const auto& row) {
    std::string name = row.param.name;
    std::ranges::replace(name, ' ', '_');
    return name;
});

TEST_F(CheckScripts, LetsEverybodyReadThePluginHostConfiguration) {
    plug_in({kConfig});
    for (const unsigned mode : {0600U, 0644U, 0744U}) {
        system.files[kPluginHostConfig]->is.mode = mode;
        EXPECT_FALSE(check_scripts(system).error) << mode;
    }
}

TEST_F(CheckScripts, TakesAFolderInPlaceOfThePluginHostConfigurationAsNone) {
    system.add(kPluginHostConfig, 0777).is.regular = false;

    EXPECT_EQ(check_scripts(system).pairs.size(), 1U);
}

}  // namespace
}  // namespace stillpoint::testing
