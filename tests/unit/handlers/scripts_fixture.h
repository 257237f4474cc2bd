// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "handlers/config/plugin_host_config.h"
#include "tests/fakes/fake_script_system.h"

namespace stillpoint::testing {

inline const std::string kConfig = "/etc/azure/VMSnapshotScriptPluginConfig.json";
inline const std::string kPre = "/etc/azure/pre.sh";
inline const std::string kPost = "/etc/azure/post.sh";

/// A machine with scripts as they should be.
struct WithScripts : ::testing::Test {
    Journal journal;
    FakeScriptSystem system{journal};

    WithScripts() {
        configure("");
        system.add(kPre, 0700);
        system.add(kPost, 0700);
    }

    /// `more`: members, each with a comma before it.
    void configure(const std::string& more) {
        system.add(kConfig, 0600,
                   R"({"preScriptLocation":"/etc/azure/pre.sh",)"
                   R"("postScriptLocation":"/etc/azure/post.sh")" +
                       more + "}");
    }

    /// An own plugin host configuration with these script configurations.
    void plug_in(const std::vector<std::string>& configs) {
        std::string text = "[pre_post]\nnumberOfPlugins = " + std::to_string(configs.size()) + "\n";
        for (std::size_t i = 0; i < configs.size(); ++i) {
            const std::string number = std::to_string(i);
            text += "pluginName" + number + " = ScriptRunner\npluginConfigPath" + number + " = " +
                    configs[i] + "\n";
        }
        system.add(kPluginHostConfig, 0644, text);
    }

    /// A second plugin with its own two scripts.
    void add_second(const std::string& more = "") {
        system.add("/b.json", 0600,
                   R"({"preScriptLocation":"/b/pre","postScriptLocation":"/b/post")" + more + "}");
        system.add("/b/pre", 0700);
        system.add("/b/post", 0700);
        plug_in({kConfig, "/b.json"});
    }
};

}  // namespace stillpoint::testing
