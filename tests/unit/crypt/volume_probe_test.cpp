// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/volume_probe.h"

#include <gtest/gtest.h>

#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/volume_reader.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::linux_os {
namespace {

using testing::overwrite;
using testing::VolumeFiles;

std::string little(std::uint64_t value, std::size_t width) {
    std::string bytes;
    for (std::size_t i = 0; i < width; ++i) {
        bytes += static_cast<char>(value >> 8 * i);
    }
    return bytes;
}

/// The boot sector and the root directory of a FAT filesystem.
void format_fat(const std::string& path, std::uint64_t at, const std::string& label) {
    const std::uint64_t reserved = 4;
    const std::uint64_t fat_sectors = 32;
    std::string sector = "\xeb\x3c\x90mkfs.fat" + little(512, 2) + little(4, 1) +
                         little(reserved, 2) + little(2, 1) + little(512, 2) + little(32768, 2) +
                         little(0xf8, 1) + little(fat_sectors, 2);
    sector.resize(38);
    sector += "\x29" + little(0x1234abcd, 4) + "NO NAME    FAT16   ";
    sector.resize(510);
    sector += "\x55\xaa";
    overwrite(path, at, sector);
    std::string entry = label;
    entry.resize(11, ' ');
    overwrite(path, at + 512 * (reserved + 2 * fat_sectors), entry + "\x08");
}

/// One partition, in a GPT of a disk with sectors of that size.
void partition_gpt(const std::string& path, std::uint64_t sector, std::uint64_t disk_bytes) {
    const std::uint64_t last = disk_bytes / sector - 1;
    std::string entry = std::string(15, '\x22') + "\x21" + std::string(15, '\x33') + "\x34" +
                        little(1048576 / sector, 8) + little(3 * 1048576 / sector - 1, 8) +
                        little(0, 8) + std::string("d\0a\0t\0a\0", 8);
    entry.resize(128 * 128);
    std::string header = "EFI PART" + little(0x10000, 4) + little(92, 4) + little(0, 8) +
                         little(1, 8) + little(last, 8) + little(40, 8) + little(last - 40, 8) +
                         std::string(16, '\x44') + little(2, 8) + little(128, 4) + little(128, 4) +
                         little(crc32_of(entry), 4);
    header.replace(16, 4, little(crc32_of(header), 4));
    std::string protective(446, '\0');
    protective +=
        std::string(4, '\0') + "\xee" + std::string(3, '\0') + little(1, 4) + little(last, 4);
    protective.resize(510);
    overwrite(path, 0, protective + "\x55\xaa");
    overwrite(path, sector, header);
    overwrite(path, 2 * sector, entry);
}

TEST(ProbeVolume, FindsAFilesystemByItsLabel) {
    VolumeFiles files;
    const std::string disk = files.file("disk", 64U << 20);
    format_fat(disk, 1U << 20, "BEK VOLUME");
    const std::string before = testing::hash_of_file(disk);
    const auto found = probe_volume(VolumePlace{disk, 1U << 20, 16U << 20});
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(
        **found,
        (ProbedVolume{
            .type = "vfat", .usage = "filesystem", .label = "BEK VOLUME", .uuid = "1234-ABCD"}));
    EXPECT_EQ(testing::hash_of_file(disk), before);
}

TEST(ProbeVolume, FindsLuksAndWhatIsBesideIt) {
    VolumeFiles files;
    const std::string path = files.luks("volume", "--type luks2 --label data");
    const auto luks = probe_volume(VolumePlace{.path = path});
    ASSERT_TRUE(luks && *luks);
    EXPECT_EQ((*luks)->type, "crypto_LUKS");
    EXPECT_EQ((*luks)->label, "data");
    const auto volume = VolumeReader::open({.path = path});
    ASSERT_TRUE(volume);
    const auto beside = probe_beside_luks(*volume);
    ASSERT_TRUE(beside);
    EXPECT_FALSE(*beside);
}

TEST(ProbeVolume, OfNothingIsNoError) {
    VolumeFiles files;
    for (const std::uint64_t bytes : {0ULL, 100ULL, 1ULL << 20}) {
        const auto found = probe_volume(VolumePlace{.path = files.file("empty", bytes)});
        ASSERT_TRUE(found) << found.error().describe();
        EXPECT_FALSE(*found);
        const auto table = read_partition_table({.path = files.file("empty", bytes)});
        ASSERT_TRUE(table) << table.error().describe();
        EXPECT_FALSE(*table);
    }
    const auto missing = probe_volume(VolumePlace{.path = "/nonexistent/volume"});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), Code::volume_unreadable);
}

TEST(PartitionTable, OfKindGptIsReadWhateverItsSectorSize) {
    VolumeFiles files;
    for (const std::uint64_t sector : {512U, 4096U}) {
        const std::string disk = files.file("disk", 64U << 20);
        partition_gpt(disk, sector, 64U << 20);
        const std::string before = testing::hash_of_file(disk);
        const auto table = read_partition_table({.path = disk});
        ASSERT_TRUE(table && *table) << sector;
        EXPECT_EQ((*table)->type, "gpt");
        EXPECT_EQ((*table)->uuid, "44444444-4444-4444-4444-444444444444");
        EXPECT_EQ((*table)->partitions,
                  (std::vector<Partition>{{.number = 1,
                                           .offset_bytes = 1U << 20,
                                           .size_bytes = 2U << 20,
                                           .type = "22222222-2222-2222-2222-222222222221",
                                           .name = "data",
                                           .uuid = "33333333-3333-3333-3333-333333333334"}}))
            << sector;
        EXPECT_EQ(testing::hash_of_file(disk), before);
    }
}

TEST(PartitionTable, OfKindDosIsRead) {
    VolumeFiles files;
    const std::string disk = files.file("disk", 64U << 20);
    std::string sector(440, '\0');
    sector += little(0xcafe0001, 4) + little(0, 2) + std::string("\x80\0\0\0\x83\0\0\0", 8) +
              little(2048, 4) + little(4096, 4);
    sector.resize(510);
    overwrite(disk, 0, sector + "\x55\xaa");
    const auto table = read_partition_table({.path = disk});
    ASSERT_TRUE(table && *table);
    EXPECT_EQ((*table)->type, "dos");
    EXPECT_EQ((*table)->partitions, (std::vector<Partition>{{.number = 1,
                                                             .offset_bytes = 1U << 20,
                                                             .size_bytes = 2U << 20,
                                                             .type = "0x83",
                                                             .name = "",
                                                             .uuid = "cafe0001-01"}}));
}

}  // namespace
}  // namespace stillpoint::linux_os
