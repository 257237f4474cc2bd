// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/freeze_lock.h"

#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "tests/support/temp_tree.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;

/// Another process that runs `action` with a lock of its own on `path`, taken as the others take
/// it.
class OtherAgent {
public:
    OtherAgent(const std::string& path, const std::function<void()>& action) {
        int ready[2];
        EXPECT_EQ(::pipe(ready), 0);
        child_ = ::fork();
        if (child_ == 0) {
            const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
            struct flock whole {};
            whole.l_type = F_WRLCK;
            const char locked = ::fcntl(fd, F_SETLK, &whole) == 0 ? 'y' : 'n';
            (void)!::write(ready[1], &locked, 1);
            action();
            ::_exit(0);
        }
        char locked = 0;
        EXPECT_EQ(::read(ready[0], &locked, 1), 1);
        EXPECT_EQ(locked, 'y');
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~OtherAgent() { end(); }
    OtherAgent(const OtherAgent&) = delete;
    OtherAgent& operator=(const OtherAgent&) = delete;

    void end() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
            child_ = 0;
        }
    }

private:
    pid_t child_ = 0;
};

void hold_for_ever() {
    while (true) {
        ::pause();
    }
}

/// Whether a process that opens `path` now finds it locked.
bool is_locked_for_others(const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int fd = ::open(path.c_str(), O_WRONLY);
        struct flock whole {};
        whole.l_type = F_WRLCK;
        const bool refused =
            ::fcntl(fd, F_SETLK, &whole) != 0 && (errno == EAGAIN || errno == EACCES);
        ::_exit(refused ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 1;
}

struct FreezeLockTest : ::testing::Test {
    testing::TempTree tree;
    std::string folder = tree.root() + "/azure/lock";
    std::string path = folder + "/SafeFreezeLockFile";
    Instant soon = boottime_now() + 200ms;

    void make_folder() { tree.folder("azure/lock"); }
};

TEST_F(FreezeLockTest, KeepsOthersOutAsLongAsItLives) {
    std::optional<FreezeLock> lock(std::move(*FreezeLock::take(folder, soon)));
    EXPECT_TRUE(is_locked_for_others(path));
    lock.reset();
    EXPECT_FALSE(is_locked_for_others(path));
    EXPECT_EQ(::access(path.c_str(), F_OK), 0) << "the file stays for those who have it open";
}

TEST_F(FreezeLockTest, GivesUpAtTheDeadline) {
    make_folder();
    const OtherAgent other(path, hold_for_ever);
    const Instant begun = boottime_now();
    const auto lock = FreezeLock::take(folder, begun + 150ms);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code(), Code::another_backup_runs);
    EXPECT_GE(boottime_now() - begun, 150ms);
    EXPECT_LT(boottime_now() - begun, 2s);
}

TEST_F(FreezeLockTest, WaitsForTheOther) {
    make_folder();
    const OtherAgent other(path, [] { ::usleep(200'000); });
    const Instant begun = boottime_now();
    const auto lock = FreezeLock::take(folder, begun + 10s);
    ASSERT_TRUE(lock) << lock.error().describe();
    EXPECT_GE(boottime_now() - begun, 100ms);
    EXPECT_TRUE(is_locked_for_others(path));
}

TEST_F(FreezeLockTest, LocksTheFileThatIsThereAfterTheOtherRemovedItsOwn) {
    make_folder();
    const OtherAgent other(path, [this] {
        ::usleep(200'000);
        ::unlink(path.c_str());
    });
    struct stat before {};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    // Keeps the number of the removed one from being given again.
    const UniqueFd kept(::open(path.c_str(), O_RDONLY));

    const auto lock = FreezeLock::take(folder, boottime_now() + 10s);

    ASSERT_TRUE(lock) << lock.error().describe();
    struct stat after {};
    ASSERT_EQ(::stat(path.c_str(), &after), 0);
    EXPECT_NE(before.st_ino, after.st_ino);
    EXPECT_TRUE(is_locked_for_others(path));
}

TEST_F(FreezeLockTest, IsNoLockOnceThePathLeadsElsewhere) {
    make_folder();
    const auto open = [this] {
        return UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    };
    const UniqueFd removed = open();
    EXPECT_TRUE(*FreezeLock::try_lock(path, removed));
    ASSERT_EQ(::unlink(path.c_str()), 0);
    EXPECT_FALSE(*FreezeLock::try_lock(path, removed));
    const UniqueFd present = open();
    EXPECT_FALSE(*FreezeLock::try_lock(path, removed));
    EXPECT_TRUE(*FreezeLock::try_lock(path, present));
}

TEST_F(FreezeLockTest, IsFreeWhenItsHolderWasKilled) {
    make_folder();
    OtherAgent other(path, hold_for_ever);
    other.end();
    EXPECT_TRUE(FreezeLock::take(folder, soon));
}

TEST_F(FreezeLockTest, FollowsNoLinkAndOpensNoPipe) {
    make_folder();
    tree.write("elsewhere", "kept");
    tree.link(tree.root() + "/elsewhere", "azure/lock/SafeFreezeLockFile");
    const auto by_link = FreezeLock::take(folder, soon);
    ASSERT_FALSE(by_link);
    EXPECT_EQ(by_link.error().os()->number, ELOOP);

    ASSERT_EQ(::unlink(path.c_str()), 0);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto pipe = FreezeLock::take(folder, soon);
    ASSERT_FALSE(pipe);
    EXPECT_EQ(pipe.error().code(), Code::file_unwritable);
}

TEST_F(FreezeLockTest, SaysWhereItCannotBeMade) {
    const auto lock = FreezeLock::take("/proc/no/such", soon);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code(), Code::file_unwritable);
    EXPECT_NE(lock.error().sentence().find("/proc/no/such"), std::string::npos);
}

}  // namespace
}  // namespace stillpoint::linux_os
