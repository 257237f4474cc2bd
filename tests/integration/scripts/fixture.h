// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/linux/scripts/linux_script_system.h"
#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {

/// A folder of root's with scripts in it, and a keeper for them.
struct WithRealScripts : ::testing::Test {
    stillpoint::testing::TemporaryFolder folder;
    LinuxScriptSystem system{settings()};
    std::chrono::milliseconds phase_limit = std::chrono::seconds(30);

    void SetUp() override;
    LinuxScriptSystem::Settings settings() const;

    /// A script of mode 0700; in its text, DIR stands for the folder.
    std::string script(const std::string& name, std::string text) const;
    /// It, opened and ready to be kept.
    Script checked(const std::string& path, std::vector<std::string> parameters = {});
    ScriptPair pair(const std::string& pre, const std::string& post);
    std::unique_ptr<ScriptKeeper> keep(std::vector<ScriptPair> pairs);

    std::string read(const std::string& name) const { return folder.read(name); }
    /// False: not within a few seconds.
    static bool soon(const std::function<bool()>& happens);
    bool soon_written(const std::string& name) const;
    static bool runs(pid_t pid);
    /// The number in a file, as scripts leave them: echo $! >FILE.
    pid_t pid_in(const std::string& name) const;
    /// The keeper's pid, and that of nobody else.
    static pid_t keeper_of_this_process();
};

}  // namespace stillpoint::linux_os
