// SPDX-License-Identifier: Apache-2.0
#include "inspect/table_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/bytes.h"
#include "tests/fakes/byte_text.h"
#include "tests/unit/inspect/disk_bytes.h"

namespace stillpoint {
namespace {

using testing::ByteText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put_le;
using testing::put_text;

constexpr std::uint64_t kSectors = 100;
constexpr std::size_t kEntries = 4 * 128;

std::uint32_t checksum(std::string_view bytes) {
    return ~crc32(~0U, bytes);
}

void put_header(std::string& disk, std::uint64_t sector, std::uint64_t other,
                std::uint64_t entries) {
    const std::size_t at = sector * 512;
    put_text(disk, at, "EFI PART");
    put_le(disk, at + 12, 92, 4);
    put_le(disk, at + 32, other, 8);
    put_le(disk, at + 72, entries, 8);
    put_le(disk, at + 80, 4, 4);
    put_le(disk, at + 84, 128, 4);
    put_le(disk, at + 88, checksum(std::string_view(disk).substr(entries * 512, kEntries)), 4);
    put_le(disk, at + 16, 0, 4);
    put_le(disk, at + 16, checksum(std::string_view(disk).substr(at, 92)), 4);
}

/// A GPT with both copies; what is in the entries does not matter here.
std::string disk_with_gpt() {
    std::string disk(kSectors * 512, '\0');
    put_text(disk, 2 * 512, "entries");
    put_text(disk, 95 * 512, "entries");
    put_header(disk, 1, kSectors - 1, 2);
    put_header(disk, kSectors - 1, 1, 95);
    return disk;
}

PartitionTable gpt(std::vector<Partition> partitions = {}) {
    return {.type = "gpt", .uuid = "d", .partitions = std::move(partitions)};
}

Partition partition(int number, std::uint64_t offset, std::uint64_t size, std::string type = "t") {
    return {.number = number,
            .offset_bytes = offset,
            .size_bytes = size,
            .type = std::move(type),
            .name = "",
            .uuid = ""};
}

std::vector<std::string> faults(std::string disk, const PartitionTable& table = gpt()) {
    return faults_of(table, ByteText(std::move(disk)));
}

TEST(TableFaults, AWholeTableHasNone) {
    EXPECT_THAT(faults(disk_with_gpt()), IsEmpty());
}

TEST(TableFaults, TellsWhichCopyIsDamaged) {
    std::string disk = disk_with_gpt();
    disk[512 + 60] = 'x';
    EXPECT_THAT(faults(disk), ElementsAre(HasSubstr("the GPT at its beginning is damaged")));
    disk = disk_with_gpt();
    disk[99 * 512 + 60] = 'x';
    EXPECT_THAT(faults(disk), ElementsAre(HasSubstr("the copy of the GPT at its end")));
    disk = disk_with_gpt();
    disk[2 * 512] = 'x';
    EXPECT_THAT(faults(disk),
                ElementsAre(HasSubstr("the partitions of the GPT at its beginning are damaged")));
    disk = disk_with_gpt();
    disk[95 * 512] = 'x';
    EXPECT_THAT(faults(disk),
                ElementsAre(HasSubstr("the partitions of the GPT at its end are damaged")));
}

TEST(TableFaults, AHeaderThatPointsNowhereIsAFault) {
    std::string disk = disk_with_gpt();
    put_header(disk, 1, ~0ULL, 2);
    EXPECT_THAT(faults(disk), ElementsAre(HasSubstr("the copy of the GPT at its end")));
}

TEST(TableFaults, PartitionsThatOverlapAreNamed) {
    const auto table = gpt({partition(2, 8192, 4096), partition(1, 0, 8193),
                            partition(3, 12288, ~0ULL), partition(4, ~0ULL - 511, 512)});
    EXPECT_THAT(faults(disk_with_gpt(), table),
                ElementsAre("partitions 1 and 2 overlap", "partitions 3 and 4 overlap"));
}

TEST(TableFaults, AnExtendedPartitionHoldsOthers) {
    const PartitionTable dos{.type = "dos",
                             .uuid = "d",
                             .partitions = {partition(1, 0, 8192, "0x05"), partition(5, 512, 512)}};
    EXPECT_THAT(faults(std::string(kSectors * 512, '\0'), dos), IsEmpty());
}

TEST(TableFaults, AProtectiveMbrWithoutAGptIsOne) {
    const PartitionTable dos{
        .type = "dos", .uuid = "d", .partitions = {partition(1, 512, 8192, "0xee")}};
    EXPECT_THAT(faults(std::string(kSectors * 512, '\0'), dos),
                ElementsAre(HasSubstr("no valid one")));
}

}  // namespace
}  // namespace stillpoint
