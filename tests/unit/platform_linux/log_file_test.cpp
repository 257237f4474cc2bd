// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/log_file.h"

#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

struct LogFileTest : ::testing::Test {
    testing::TemporaryFolder tree;
    std::string folder = tree.path().string();
    std::string path = folder + "/extension.log";

    mode_t mode() const {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return status.st_mode & 07777;
    }
};

TEST_F(LogFileTest, AppendsAndIsForItsOwnerAlone) {
    LogFile(folder).write("one\n");
    LogFile(folder).write("two\n");
    EXPECT_EQ(tree.read("extension.log"), "one\ntwo\n");
    EXPECT_EQ(mode(), 0600U);
}

TEST_F(LogFileTest, TakesOverAFileThatEverybodyCouldRead) {
    tree.write("extension.log", "old\n");
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    LogFile(folder).write("new\n");
    EXPECT_EQ(tree.read("extension.log"), "old\nnew\n");
    EXPECT_EQ(mode(), 0600U);
}

TEST_F(LogFileTest, FollowsNoLink) {
    tree.write("elsewhere", "kept");
    ASSERT_EQ(::symlink((folder + "/elsewhere").c_str(), path.c_str()), 0);
    const LogFile log(folder);
    EXPECT_FALSE(log.is_open());
    log.write("lost\n");
    EXPECT_EQ(tree.read("elsewhere"), "kept");
}

TEST_F(LogFileTest, DoesNotWaitForAReaderOfAPipe) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_FALSE(LogFile(folder).is_open());
}

TEST_F(LogFileTest, WritesNowhereWithoutAFolder) {
    EXPECT_FALSE(LogFile(folder + "/no/such").is_open());
    EXPECT_FALSE(LogFile().is_open());
}

TEST_F(LogFileTest, MovesAFullFileAwayAndKeepsOneOfThem) {
    tree.write("extension.log.1", "older");
    tree.write("extension.log", std::string(LogFile::kRotateBytes, 'x'));
    LogFile(folder).write("!");  // not yet full
    EXPECT_EQ(tree.read("extension.log.1"), "older");
    LogFile(folder).write("new\n");
    EXPECT_EQ(tree.read("extension.log"), "new\n");
    EXPECT_EQ(tree.read("extension.log.1"), std::string(LogFile::kRotateBytes, 'x') + "!");
}

TEST_F(LogFileTest, LeavesItToTheOneWhoIsMovingItAway) {
    tree.write("extension.log", std::string(LogFile::kRotateBytes + 1, 'x'));
    const UniqueFd other(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
    LogFile(folder).write("!");
    EXPECT_NE(::access((path + ".1").c_str(), F_OK), 0);
    EXPECT_TRUE(tree.read("extension.log").ends_with("x!"));
}

TEST_F(LogFileTest, LosesNothingWhenSeveralProcessesFindItFull) {
    constexpr int kProcesses = 8;
    const std::string full(LogFile::kRotateBytes + 1, 'x');
    tree.write("extension.log", full);
    int begin[2];
    ASSERT_EQ(::pipe(begin), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
        children.push_back(::fork());
        if (children.back() == 0) {
            ::close(begin[1]);
            char byte = 0;
            (void)!::read(begin[0], &byte, 1);  // until all are let go at once
            LogFile(folder).write("line of a process\n");
            ::_exit(0);
        }
    }
    ::close(begin[0]);
    ::close(begin[1]);
    for (const pid_t child : children) {
        ::waitpid(child, nullptr, 0);
    }
    const std::string all = tree.read("extension.log.1") + tree.read("extension.log");
    EXPECT_EQ(all.substr(0, full.size()), full);
    EXPECT_EQ(all.size(), full.size() + kProcesses * std::string("line of a process\n").size());
}

}  // namespace
}  // namespace stillpoint::linux_os
