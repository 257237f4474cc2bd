// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/kept_files.h"

#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

mode_t mode_of(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777U : 0;
}

class KeptFiles : public ::testing::Test {
protected:
    std::string make(const std::string& name, const std::string& text, mode_t mode) {
        const std::string path = folder_.file(name);
        std::ofstream(path) << text;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        return path;
    }

    testing::TemporaryFolder folder_;
};

TEST_F(KeptFiles, ReplacingKeepsModeAndACopyAndCanBeUndone) {
    const std::string path = make("crypttab", "old\n", 0640);
    const Result<std::string> copy = replace_keeping(path, "new\n");
    ASSERT_TRUE(copy) << copy.error().describe();
    EXPECT_EQ(text_of(path), "new\n");
    EXPECT_EQ(mode_of(path), 0640U);
    EXPECT_EQ(text_of(*copy), "old\n");
    EXPECT_THAT(*copy, ::testing::StartsWith(path + ".stillpoint-"));

    // A second one in the same second has a name of its own.
    const Result<std::string> second = replace_keeping(path, "newer\n");
    ASSERT_TRUE(second);
    EXPECT_NE(*second, *copy);

    ASSERT_TRUE(put_back_kept(path, *second));
    ASSERT_TRUE(put_back_kept(path, *copy));
    EXPECT_EQ(text_of(path), "old\n");
    EXPECT_EQ(mode_of(path), 0640U);
    EXPECT_NE(::access(copy->c_str(), F_OK), 0);
}

TEST_F(KeptFiles, AFileThatWasNotThereIsGoneAfterwards) {
    const std::string path = folder_.file("fstab");
    const Result<std::string> copy = replace_keeping(path, "line\n");
    ASSERT_TRUE(copy);
    EXPECT_EQ(*copy, "");
    EXPECT_EQ(mode_of(path), 0644U);
    ASSERT_TRUE(put_back_kept(path, *copy));
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(KeptFiles, ALinkIsNotFollowed) {
    const std::string target = make("elsewhere", "another's\n", 0644);
    const std::string path = folder_.file("fstab");
    ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
    const Result<std::string> copy = replace_keeping(path, "ours\n");
    ASSERT_FALSE(copy);
    EXPECT_EQ(copy.error().code(), Code::file_unwritable);
    EXPECT_EQ(text_of(target), "another's\n");
}

TEST_F(KeptFiles, WhatIsRemovedCanComeBack) {
    const std::string path = make("task", "1\n", 0600);
    const Result<std::string> copy = remove_keeping(path);
    ASSERT_TRUE(copy);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
    ASSERT_TRUE(put_back_kept(path, *copy));
    EXPECT_EQ(text_of(path), "1\n");

    const Result<std::string> nothing = remove_keeping(folder_.file("none"));
    ASSERT_TRUE(nothing);
    EXPECT_EQ(*nothing, "");
}

TEST_F(KeptFiles, TheBeginningOfADeviceIsForRootAloneAndReplacesNoOlderOne) {
    const std::string device = make("device", "0123456789", 0644);
    const std::string file = folder_.file("header-1");
    const Result<std::string> first = copy_beginning_of(device, 4, file);
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, file);
    EXPECT_EQ(text_of(*first), "0123");
    EXPECT_EQ(mode_of(*first), 0600U);
    const Result<std::string> second = copy_beginning_of(device, 100, file);
    ASSERT_TRUE(second);
    EXPECT_NE(*second, file);
    EXPECT_EQ(text_of(*second), "0123456789");
    EXPECT_EQ(text_of(file), "0123");
}

}  // namespace
}  // namespace stillpoint::linux_os
