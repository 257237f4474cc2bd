// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/scripts/script_file.h"
#include "tests/integration/scripts/fixture.h"

namespace stillpoint::linux_os {
namespace {

constexpr uid_t kNobody = 65534;

struct OpenFile : WithRealScripts {
    FileFacts facts_of(const std::string& path) const {
        const auto file = open_file(path);
        EXPECT_TRUE(file && *file) << path;
        return file && *file ? (*file)->facts() : FileFacts();
    }
    std::string folder_of(const std::string& name) const {
        const std::string path = folder.file(name);
        EXPECT_EQ(::mkdir(path.c_str(), 0755), 0);
        EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
        return path;
    }
};

TEST_F(OpenFile, SeesOwnerAndModeOfWhatIsOpened) {
    const std::string path = script("a.sh", "exit 0");
    EXPECT_TRUE(facts_of(path).regular);
    EXPECT_TRUE(facts_of(path).owned_by_root);
    EXPECT_EQ(facts_of(path).mode, 0700U);

    ASSERT_EQ(::chmod(path.c_str(), 04750), 0);
    ASSERT_EQ(::chown(path.c_str(), kNobody, 0), 0);
    EXPECT_FALSE(facts_of(path).owned_by_root);
}

TEST_F(OpenFile, NeverWaitsForAPipe) {
    ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
    EXPECT_FALSE(facts_of(folder.file("pipe")).regular);
}

TEST_F(OpenFile, SaysThatThereIsNone) {
    const auto file = open_file(folder.file("none"));
    ASSERT_TRUE(file);
    EXPECT_EQ(*file, nullptr);
    const std::string round_and_round = folder.file("loop");
    ASSERT_EQ(::symlink("loop", round_and_round.c_str()), 0);
    EXPECT_EQ(open_file(round_and_round).error().os()->number, ELOOP);
}

TEST_F(OpenFile, ReadsAndRefusesWhatIsTooLarge) {
    const auto file = open_file(script("a.sh", "12345"));
    EXPECT_EQ(*(*file)->read(5), "12345");
    EXPECT_FALSE((*file)->read(4));
}

TEST_F(OpenFile, TakesAPathThatOnlyRootCanBend) {
    // Below /tmp, which is sticky: nobody else can rename a folder of root's there.
    EXPECT_EQ(facts_of(script("a.sh", "")).exchangeable_in, "");
}

TEST_F(OpenFile, NamesTheFolderInWhichOthersMayExchangeIt) {
    const std::string open_to_all = folder_of("open");
    const std::string path = script("open/a.sh", "");
    EXPECT_EQ(facts_of(path).exchangeable_in, "");

    ASSERT_EQ(::chmod(open_to_all.c_str(), 0775), 0);
    EXPECT_EQ(facts_of(path).exchangeable_in, open_to_all);
    ASSERT_EQ(::chmod(open_to_all.c_str(), 01777), 0);
    EXPECT_EQ(facts_of(path).exchangeable_in, "") << "sticky, and the file is root's";
    ASSERT_EQ(::chmod(open_to_all.c_str(), 0755), 0);
    ASSERT_EQ(::chown(open_to_all.c_str(), kNobody, 0), 0);
    EXPECT_EQ(facts_of(path).exchangeable_in, open_to_all);
}

TEST_F(OpenFile, FollowsLinksAndJudgesBothWays) {
    const std::string open_to_all = folder_of("open");
    script("a.sh", "");
    const std::string link = folder.file("open/link");
    ASSERT_EQ(::symlink("../a.sh", link.c_str()), 0);
    EXPECT_EQ(facts_of(link).exchangeable_in, "");

    ASSERT_EQ(::chmod(open_to_all.c_str(), 0777), 0);
    EXPECT_EQ(facts_of(link).exchangeable_in, open_to_all);
    const std::string there = folder.file("there");
    ASSERT_EQ(::symlink(open_to_all.c_str(), there.c_str()), 0);
    script("open/b.sh", "");
    EXPECT_EQ(facts_of(there + "/b.sh").exchangeable_in, open_to_all);
}

TEST_F(OpenFile, KnowsWhenTheContentIsAnother) {
    const auto file = open_file(script("a.sh", "exit 0"));
    const std::string before = *digest_of((*file)->fd());
    EXPECT_EQ(before, "c22995adc29757a99bc9242926a5d5b5a8007ecc78f30943161cf072af42d9d2");
    folder.write("a.sh", "exit 1");
    EXPECT_NE(*digest_of((*file)->fd()), before);
}

}  // namespace
}  // namespace stillpoint::linux_os
