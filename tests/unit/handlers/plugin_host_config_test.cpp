// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/plugin_host_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kShipped[] = R"([pre_post]
timeoutInSeconds = 1800
numberOfPlugins = 1
pluginName0 = ScriptRunner
pluginPath0 = /etc/azure
pluginConfigPath0 = /etc/azure/VMSnapshotScriptPluginConfig.json
)";

TEST(ParsePluginHostConfig, ReadsTheFileThatPeopleCopy) {
    const auto read = parse_plugin_host_config(kShipped);

    ASSERT_TRUE(read);
    EXPECT_EQ(read->config.timeout, std::chrono::seconds(1800));
    EXPECT_EQ(read->config.script_configs, shipped_plugin_host_config().script_configs);
    EXPECT_THAT(read->warnings, IsEmpty());
}

TEST(ParsePluginHostConfig, TakesSeveralPluginsAndCapsTheTime) {
    const auto read = parse_plugin_host_config(
        "[pre_post]\ntimeoutInSeconds: 99999\nNumberOfPlugins=2\npluginname0=ScriptRunner\n"
        "pluginConfigPath0=/a.json\npluginName1=ScriptRunner\npluginConfigPath1=b.json\n");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->config.timeout, std::chrono::seconds(1800));
    EXPECT_THAT(read->config.script_configs, ElementsAre("/a.json", "b.json"));
}

TEST(ParsePluginHostConfig, WarnsOfATimeThatIsNoneAndGoesOn) {
    const auto read = parse_plugin_host_config(
        "[pre_post]\ntimeoutInSeconds = soon\nnumberOfPlugins = 0\n", "FILE");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->config.timeout, std::chrono::seconds(1800));
    EXPECT_THAT(read->warnings,
                ElementsAre("'FILE' line 2, [pre_post] timeoutinseconds = 'soon': it is no whole "
                            "number of seconds above 0; 1800 s is used"));
}

struct Broken {
    const char* text;
    const char* why;
};

TEST(ParsePluginHostConfig, NamesWhatItCannotDoWithout) {
    for (const Broken& row : {
             Broken{"", "'FILE': [pre_post] numberOfPlugins is missing"},
             Broken{"[pre_post]\nnumberOfPlugins = -1",
                    "line 2, [pre_post] numberOfPlugins = '-1'"},
             Broken{"[pre_post]\nnumberOfPlugins = 1000", "no whole number up to 32"},
             Broken{"[pre_post]\nnumberOfPlugins = 1\npluginConfigPath0 = /a",
                    "pluginName0 is missing"},
             Broken{"[pre_post]\nnumberOfPlugins = 1\npluginName0 = ScriptRunner",
                    "pluginConfigPath0 is missing"},
             Broken{"[pre_post]\nnumberOfPlugins = 1\npluginName0 = Oracle\npluginConfigPath0 = /a",
                    "line 3, [pre_post] pluginName0 = 'Oracle': only 'ScriptRunner' is supported"},
             Broken{"[pre_post]\nnumberOfPlugins = 1\npluginName0 = ScriptRunner\n"
                    "pluginConfigPath0 =",
                    "it is no path"},
         }) {
        const auto read = parse_plugin_host_config(row.text, "FILE");
        ASSERT_FALSE(read) << row.text;
        EXPECT_EQ(read.error().code(), Code::plugin_host_config_malformed);
        EXPECT_THAT(read.error().message(), HasSubstr(row.why));
    }
}

}  // namespace
}  // namespace stillpoint
