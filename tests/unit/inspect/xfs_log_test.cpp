// SPDX-License-Identifier: Apache-2.0
#include "inspect/filesystem_state/xfs_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/byte_text.h"
#include "tests/unit/inspect/xfs_log_builder.h"

namespace stillpoint {
namespace {

using testing::ByteText;
using ::testing::HasSubstr;
using testing::XfsLogBuilder;
using testing::XfsOperations;

constexpr std::uint32_t kBlocks = 16384;

XfsOperations two_changes() {
    return XfsOperations().begin(7).inode(7).commit(7).begin(8).buffer(8, 64).commit(8);
}

Result<XfsLogContent> read(XfsLogBuilder& log) {
    return read_xfs_log(ByteText(log.bytes()));
}

TEST(XfsLog, AfterAnUnmountNothingIsLeft) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), 0);
    (void)log.write(XfsOperations().unmount(), log.head());
    const auto content = read(log);
    ASSERT_TRUE(content) << content.error().describe();
    EXPECT_TRUE(content->unmounted);
    EXPECT_EQ(content->head, log.head());
}

TEST(XfsLog, CountsWhatLiesBetweenTailAndHead) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), 0);
    const std::uint32_t tail = log.write(two_changes(), 0);
    (void)log.write(XfsOperations().begin(9).inode(9).commit(9), tail);
    const auto content = read(log);
    ASSERT_TRUE(content) << content.error().describe();
    EXPECT_FALSE(content->unmounted);
    EXPECT_EQ(content->tail, tail);
    EXPECT_EQ(content->head, log.head());
    EXPECT_EQ(content->transactions, 3U);
    EXPECT_EQ(content->of_superblock, 0U);
}

TEST(XfsLog, KnowsTheSuperblocksRecord) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), 0);
    const std::uint32_t tail = log.write(XfsOperations().superblock(3), log.head());
    (void)log.write(XfsOperations().superblock(4), tail);
    const auto content = read(log);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->transactions, 2U);
    EXPECT_EQ(content->of_superblock, 2U);
    EXPECT_EQ(content->incomplete, 0U);
}

TEST(XfsLog, ASuperblockWithSomethingBesideItIsNotTheFreezes) {
    for (const XfsOperations& operations :
         {XfsOperations().begin(3).buffer(3, 0).inode(3).commit(3),
          XfsOperations().begin(3).inode(3).buffer(3, 0).commit(3),
          XfsOperations().begin(3).buffer(3, 0).buffer(3, 8).commit(3),
          XfsOperations().begin(3).buffer(3, 8).commit(3),
          XfsOperations().add(3, 1, "").inode(3).commit(3)}) {
        XfsLogBuilder log(kBlocks);
        (void)log.write(operations, 0);
        const auto content = read(log);
        ASSERT_TRUE(content) << content.error().describe();
        EXPECT_EQ(content->transactions, 1U);
        EXPECT_EQ(content->of_superblock, 0U);
    }
}

TEST(XfsLog, ATransactionMayGoOnInTheNextRecord) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(XfsOperations().begin(5).add(5, 4, std::string(300, 'x')), 0);
    (void)log.write(XfsOperations().add(5, 8 | 16, std::string(300, 'x')).commit(5), 0);
    const auto content = read(log);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->transactions, 1U);
    EXPECT_EQ(content->incomplete, 0U);
}

TEST(XfsLog, OneThatHasNoEndIsNotComplete) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(XfsOperations().begin(5).inode(5), 0);
    const auto content = read(log);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->transactions, 0U);
    EXPECT_EQ(content->incomplete, 1U);
}

TEST(XfsLog, GoesOverTheEndOfTheRing) {
    XfsLogBuilder log(kBlocks);
    std::uint32_t tail = 0;
    std::uint32_t last = 0;
    for (int record = 0; record < 9000; ++record) {  // over the end more than once
        last = log.write(two_changes(), tail);
        tail = record % 16 == 0 ? last : tail;
        if (log.head() < last && log.head() != 0) {
            const auto content = read(log);
            ASSERT_TRUE(content) << content.error().describe();
            EXPECT_EQ(content->tail, tail);
            EXPECT_EQ(content->head, log.head());
            EXPECT_EQ(content->transactions, 2U * static_cast<unsigned>(record % 16 + 1));
        }
    }
}

TEST(XfsLog, ARecordThatIsCutOffDoesNotCount) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), 0);
    const std::uint32_t cut = log.head();
    XfsOperations large;
    large.begin(9);
    for (int i = 0; i < 20; ++i) {
        large.inode(9);
    }
    (void)log.write(large.commit(9), 0);
    log.bytes().replace((cut + 3) * 512, 512 * 16, 512 * 16, '\0');  // the rest never arrived
    const auto content = read(log);
    ASSERT_TRUE(content) << content.error().describe();
    EXPECT_EQ(content->head, cut);
    EXPECT_EQ(content->transactions, 2U);
}

TEST(XfsLog, AHoleInWhatWasInFlightIsTheHead) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), 0);
    const std::uint32_t missing = log.write(two_changes(), 0);
    const std::uint32_t after = log.head();
    (void)log.write(two_changes(), 0);
    log.bytes().replace(missing * 512, (after - missing) * 512, (after - missing) * 512, '\0');
    const auto content = read(log);
    ASSERT_TRUE(content) << content.error().describe();
    EXPECT_EQ(content->head, missing);
    EXPECT_EQ(content->transactions, 2U);
}

TEST(XfsLog, OneThatWasNeverWrittenToIsEmpty) {
    XfsLogBuilder log(kBlocks);
    EXPECT_TRUE(read(log).value().all_zero);
    EXPECT_FALSE(read(log).value().unmounted);
}

TEST(XfsLog, WhatMakesNoSenseIsSaidSo) {
    XfsLogBuilder log(kBlocks);
    (void)log.write(two_changes(), kBlocks + 1);
    EXPECT_THAT(read(log).error().sentence(), HasSubstr("log of XFS makes no sense"));
    XfsLogBuilder behind(kBlocks);
    (void)behind.write(two_changes(), 100);  // no record lies there
    EXPECT_THAT(read(behind).error().sentence(), HasSubstr("log of XFS makes no sense"));
    EXPECT_FALSE(read_xfs_log(ByteText(std::string(512, '\1'))));
}

}  // namespace
}  // namespace stillpoint
