// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/root_paths.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/restore/linux_restore_system.h"
#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

using ::testing::HasSubstr;

class RootPaths : public ::testing::Test {
protected:
    RootPaths() {
        for (const char* name : {"root", "root/etc", "root/var", "outside"}) {
            folder(name);
        }
    }

    void folder(const std::string& name) {
        ASSERT_EQ(::mkdir(folder_.file(name).c_str(), 0755), 0);
    }
    void link(const std::string& name, const std::string& target) {
        ASSERT_EQ(::symlink(target.c_str(), folder_.file(name).c_str()), 0);
    }
    std::string in_root(const std::string& path) const {
        const auto found = resolve_in_root(folder_.file("root"), path);
        return found ? found->substr(folder_.file("root").size()) : found.error().sentence();
    }
    std::string refusal(const std::string& path) const {
        const auto found = read_root_folder(path);
        return found ? "" : found.error().sentence();
    }

    testing::TemporaryFolder folder_;
};

TEST_F(RootPaths, NoLinkLeadsOutOfIt) {
    link("root/var/up", "../../../../outside");
    link("root/var/absolute", folder_.file("outside"));
    link("root/data", "/etc/./..//etc/");
    EXPECT_EQ(in_root("/var/up/x"), "/outside/x");
    EXPECT_EQ(in_root("/var/absolute"), folder_.file("outside"));
    EXPECT_EQ(in_root("/data/crypttab"), "/etc/crypttab");
    EXPECT_EQ(in_root("/data/../../../etc/"), "/etc");
    EXPECT_EQ(in_root("//not//there/./x"), "/not/there/x");
}

TEST_F(RootPaths, CirclesComeToAnEnd) {
    link("root/a", "b");
    link("root/b", "a");
    EXPECT_THAT(in_root("/a"), HasSubstr("too many links"));
}

TEST_F(RootPaths, OfThisSystemAreItsOwn) {
    link("short", folder_.file("outside"));
    EXPECT_EQ(*resolve_in_root("", folder_.file("short") + "/x"), folder_.file("outside") + "/x");
    EXPECT_EQ(*resolve_in_root("", "/"), "/");
}

TEST_F(RootPaths, ARootHoldsASystemThatIsNotThisOne) {
    EXPECT_THAT(refusal(""), HasSubstr("no absolute path"));
    EXPECT_THAT(refusal("."), HasSubstr("no absolute path"));
    EXPECT_THAT(refusal("/"), HasSubstr("this system itself"));
    EXPECT_THAT(refusal("//../."), HasSubstr("this system itself"));
    EXPECT_THAT(refusal(folder_.file("nothing")), HasSubstr("no folder"));
    EXPECT_THAT(refusal(folder_.file("root")), HasSubstr("holds no system"));
    folder_.write("root/etc/fstab", "");
    link("mounted", "root");
    EXPECT_EQ(*read_root_folder(folder_.file("mounted") + "/"), folder_.file("root"));
}

TEST_F(RootPaths, WhatIsReadAndWrittenBelowARootStaysThere) {
    folder_.write("outside/crypttab", "not to be touched");
    link("root/var/lib", folder_.file("outside"));
    LinuxRestoreSystem system(folder_.file("root"));
    const std::string path = folder_.file("root/var/lib/crypttab");
    EXPECT_EQ(*system.read(path), std::nullopt);
    ASSERT_TRUE(system.make_folder(folder_.file("root/var/lib")));
    ASSERT_TRUE(system.replace(path, "new"));
    EXPECT_EQ(folder_.read("outside/crypttab"), "not to be touched");
    EXPECT_EQ(**system.read(path), "new");
    EXPECT_TRUE(system.remove(path));
    EXPECT_EQ(*system.read(path), std::nullopt);
}

TEST_F(RootPaths, LostFoldersAreForAllWhateverTheUmask) {
    const mode_t before = ::umask(0077);
    const auto made = LinuxRestoreSystem().make_folder(folder_.file("data/one"));
    ::umask(before);
    ASSERT_TRUE(made);
    EXPECT_THAT(*made, ::testing::ElementsAre(folder_.file("data"), folder_.file("data/one")));
    struct stat about {};
    ASSERT_EQ(::stat(folder_.file("data/one").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777U, 0755U);
}

}  // namespace
}  // namespace stillpoint::linux_os
