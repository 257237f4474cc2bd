// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/block_counters.h"

#include <fstream>

#include <boost/filesystem.hpp>
#include <gtest/gtest.h>

#include "tests/support/temp_tree.h"

namespace stillpoint::linux_os {
namespace {

using testing::TempTree;

TEST(ParseBlockStat, TakesFieldsSevenAndFourteen) {
    BlockCounters counters;

    EXPECT_TRUE(parse_block_stat(
        "    1  2  3  4  5  6  777  8  0  10  11  12  13  1414  15 16 17\n", counters));
    EXPECT_EQ(counters.sectors_written, 777U);
    EXPECT_EQ(counters.sectors_discarded, 1414U);
}

TEST(ParseBlockStat, TakesTheElevenFieldsOfOldKernels) {
    BlockCounters counters{.sectors_discarded = 5};

    EXPECT_TRUE(parse_block_stat("1 2 3 4 5 6 777 8 9 10 11\n", counters));
    EXPECT_EQ(counters.sectors_written, 777U);
    EXPECT_EQ(counters.sectors_discarded, 0U);
}

TEST(ParseBlockStat, RefusesAnythingElse) {
    BlockCounters counters;

    for (const char* text : {"", "\n", "1 2 3 4 5 6", "1 2 3 4 5 6 x", "1 2 3 4 5 6 7x",
                             "-1 2 3 4 5 6 7", "1 2 3 4 5 6 99999999999999999999999"}) {
        EXPECT_FALSE(parse_block_stat(text, counters)) << text;
    }
}

TEST(ParseInflight, TakesTheSecondNumber) {
    BlockCounters counters;

    EXPECT_TRUE(parse_inflight("       3       9\n", counters));
    EXPECT_EQ(counters.writes_in_flight, 9U);
    EXPECT_FALSE(parse_inflight("3", counters));
    EXPECT_FALSE(parse_inflight("", counters));
}

constexpr char kStat[] = "1 2 3 4 5 6 70 8 9 10 11 12 13 140 15 16 17\n";

struct Counters : ::testing::Test {
    Counters() {
        tree.write("devices/sda/stat", kStat);
        tree.write("devices/sda/inflight", "0 2\n");
        tree.write("devices/sda/queue/iostats", "1\n");
        tree.write("devices/sda/sda1/stat", kStat);
        tree.write("devices/sda/sda1/inflight", "0 0\n");
        tree.link("../../devices/sda", "class/block/sda");
        tree.link("../../devices/sda/sda1", "class/block/sda1");
    }
    TempTree tree;
};

TEST_F(Counters, AreReadInTheOrderOfTheNames) {
    const BlockCounterReader reader({"sda1", "sda"}, tree.root());
    std::vector<CounterReading> readings(reader.size());

    reader.read_all(readings);

    ASSERT_TRUE(readings[0]);
    ASSERT_TRUE(readings[1]);
    EXPECT_EQ(*readings[0], (BlockCounters{70, 140, 0}));
    EXPECT_EQ(*readings[1], (BlockCounters{70, 140, 2}));
}

TEST_F(Counters, AreReadAnewEachTime) {
    const BlockCounterReader reader({"sda"}, tree.root());
    std::vector<CounterReading> readings(reader.size());
    reader.read_all(readings);
    tree.write("devices/sda/stat", "1 2 3 4 5 6 78 8 9 10 11\n");

    reader.read_all(readings);

    ASSERT_TRUE(readings[0]);
    EXPECT_EQ(readings[0]->sectors_written, 78U);
}

TEST_F(Counters, HaveNoValueWhenTheKernelKeepsNone) {
    tree.write("devices/sda/queue/iostats", "0\n");
    const BlockCounterReader reader({"sda", "sda1", "sdz"}, tree.root());
    std::vector<CounterReading> readings(reader.size(), BlockCounters{});

    reader.read_all(readings);

    EXPECT_FALSE(readings[0]);
    EXPECT_FALSE(readings[1]) << "a partition's queue is its disk's";
    EXPECT_FALSE(readings[2]) << "there is no such device";
}

}  // namespace
}  // namespace stillpoint::linux_os
