// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/scripts/fixture.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <boost/algorithm/string/replace.hpp>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {

using namespace std::chrono_literals;

void WithRealScripts::SetUp() {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "scripts belong to root";
    }
}

LinuxScriptSystem::Settings WithRealScripts::settings() const {
    return {.keeper_command = {own_program(), "script-keeper"},
            .folder = folder.path().string(),
            .lock_path = folder.file("scripts.lock"),
            .start_limit = 20s,
            .lock_limit = 10s};
}

std::string WithRealScripts::script(const std::string& name, std::string text) const {
    boost::replace_all(text, "DIR", folder.path().string());
    folder.write(name, text);
    const std::string path = folder.file(name);
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    return path;
}

Script WithRealScripts::checked(const std::string& path, std::vector<std::string> parameters) {
    auto file = system.open(path);
    EXPECT_TRUE(file && *file);
    return {.location = path,
            .parameters = std::move(parameters),
            .limit = 10s,
            .retries = 0,
            .file = file ? *file : nullptr};
}

ScriptPair WithRealScripts::pair(const std::string& pre, const std::string& post) {
    return {checked(script("pre.sh", pre)), checked(script("post.sh", post))};
}

std::unique_ptr<ScriptKeeper> WithRealScripts::keep(std::vector<ScriptPair> pairs) {
    auto keeper = system.keep(std::move(pairs), phase_limit);
    EXPECT_TRUE(keeper) << keeper.error().describe();
    return keeper ? std::move(*keeper) : nullptr;
}

bool WithRealScripts::soon(const std::function<bool()>& happens) {
    const Instant until = boottime_now() + 15s;
    while (!happens()) {
        if (boottime_now() > until) {
            return false;
        }
        (void)::poll(nullptr, 0, 5);
    }
    return true;
}

bool WithRealScripts::soon_written(const std::string& name) const {
    return soon([&] { return read(name).ends_with('\n'); });
}

bool WithRealScripts::runs(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    const std::string text((std::istreambuf_iterator<char>(stat)), {});
    const std::size_t end = text.rfind(") ");
    return end != std::string::npos && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

pid_t WithRealScripts::pid_in(const std::string& name) const {
    return static_cast<pid_t>(std::atol(read(name).c_str()));
}

pid_t WithRealScripts::keeper_of_this_process() {
    const std::string own = std::to_string(::getpid());
    std::ifstream children("/proc/" + own + "/task/" + own + "/children");
    pid_t pid = 0;
    pid_t more = 0;
    children >> pid;
    EXPECT_FALSE(children >> more);
    return pid;
}

}  // namespace stillpoint::linux_os
