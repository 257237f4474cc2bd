// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/directory_store.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

using stillpoint::testing::TemporaryFolder;

mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

class DirectoryStoreTest : public ::testing::Test {
protected:
    DirectoryStore open() {
        auto store = DirectoryStore::open(folder_.path().string());
        EXPECT_TRUE(store) << store.error().describe();
        return *std::move(store);
    }
    void set_time(std::string_view name, time_t seconds) {
        const std::array<timespec, 2> times = {timespec{seconds, 0}, timespec{seconds, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, folder_.file(name).c_str(), times.data(), 0), 0);
    }

    TemporaryFolder folder_;
};

TEST_F(DirectoryStoreTest, WritesWhatItReads) {
    DirectoryStore store = open();
    ASSERT_TRUE(store.replace("1.status", "one"));
    ASSERT_TRUE(store.replace("1.status", std::string("t\0wo", 4)));

    const auto content = store.read("1.status");
    ASSERT_TRUE(content);
    EXPECT_EQ(*content, std::string("t\0wo", 4));
    EXPECT_EQ(mode_of(folder_.file("1.status")), 0600U);
    EXPECT_EQ(*store.list(), std::vector<std::string>{"1.status"}) << "no temporary file stays";
}

TEST_F(DirectoryStoreTest, ReplacesALinkInsteadOfFollowingIt) {
    folder_.write("victim", "precious");
    ASSERT_EQ(::symlink("victim", folder_.file("1.status").c_str()), 0);
    DirectoryStore store = open();

    const auto content = store.read("1.status");
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().os()->number, ELOOP);
    ASSERT_TRUE(store.replace("1.status", "mine"));
    EXPECT_EQ(folder_.read("victim"), "precious");
    EXPECT_EQ(folder_.read("1.status"), "mine");
}

TEST_F(DirectoryStoreTest, SaysWhenThereIsNoFile) {
    const DirectoryStore store = open();
    const auto content = store.read("mrseq");
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code(), Code::file_unreadable);
    EXPECT_EQ(content.error().os()->number, ENOENT);
}

TEST_F(DirectoryStoreTest, ReadsNoMoreThanTheLimit) {
    folder_.write("big", std::string(100'000, 'x'));
    const DirectoryStore store = open();
    EXPECT_TRUE(store.read("big", 100'000));
    const auto content = store.read("big", 99'999);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().os()->number, EFBIG);
}

TEST_F(DirectoryStoreTest, DoesNotWaitForAFifo) {
    ASSERT_EQ(::mkfifo(folder_.file("pipe").c_str(), 0600), 0);
    EXPECT_FALSE(open().read("pipe"));
}

TEST_F(DirectoryStoreTest, RefusesEverythingThatIsNoFileName) {
    DirectoryStore store = open();
    for (const char* name : {"", ".", "..", "a/b", "/etc/passwd", "../x"}) {
        EXPECT_FALSE(store.read(name)) << name;
        EXPECT_FALSE(store.replace(name, "x")) << name;
        EXPECT_FALSE(store.remove(name)) << name;
        EXPECT_FALSE(store.rename("a", name)) << name;
    }
}

TEST_F(DirectoryStoreTest, ListsPlainFilesNewestFirst) {
    for (const char* name : {"old", "new", "middle"}) {
        folder_.write(name, "x");
    }
    set_time("old", 1000);
    set_time("middle", 2000);
    set_time("new", 3000);
    ASSERT_EQ(::mkdir(folder_.file("folder").c_str(), 0700), 0);
    ASSERT_EQ(::symlink("old", folder_.file("link").c_str()), 0);

    EXPECT_EQ(*open().list(), (std::vector<std::string>{"new", "middle", "old"}));
}

TEST_F(DirectoryStoreTest, RemovesAndRenames) {
    folder_.write("a", "x");
    DirectoryStore store = open();
    ASSERT_TRUE(store.rename("a", "b"));
    EXPECT_EQ(folder_.read("b"), "x");
    EXPECT_TRUE(store.remove("b"));
    EXPECT_TRUE(store.remove("b")) << "gone already is as good";
    const auto renamed = store.rename("b", "c");
    ASSERT_FALSE(renamed);
    EXPECT_EQ(renamed.error().os()->number, ENOENT);
}

TEST_F(DirectoryStoreTest, CreatesItsFolderForRootAlone) {
    const std::string path = folder_.file("state/inner");
    EXPECT_FALSE(DirectoryStore::open(path));
    ASSERT_TRUE(DirectoryStore::open(path + "/", DirectoryStore::Missing::created));
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_TRUE(DirectoryStore::open(path, DirectoryStore::Missing::created));
}

}  // namespace
}  // namespace stillpoint::linux_os
