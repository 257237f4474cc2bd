// SPDX-License-Identifier: Apache-2.0
#include "inspect/gpt.h"

#include <algorithm>
#include <array>

#include "base/format.h"
#include "inspect/bytes.h"

namespace stillpoint {
namespace {

// UEFI specification, "GUID Partition Table (GPT) Disk Layout".
constexpr std::size_t kHeaderSize = 92;
constexpr std::size_t kEntrySize = 128;
constexpr std::uint32_t kMaxEntries = 1024;

/// Its first three numbers are little-endian.
std::string guid_text(std::string_view bytes, std::size_t at) {
    const std::string rest = uuid_text(bytes, at).substr(18);
    return fmt::format("{:08x}-{:04x}-{:04x}{}", le32(bytes, at), le16(bytes, at + 4),
                       le16(bytes, at + 6), rest);
}

std::string name_text(std::string_view entry) {
    std::string name;
    for (std::size_t at = 56; at < kEntrySize && le16(entry, at) != 0; at += 2) {
        const unsigned unit = le16(entry, at);
        name += unit >= 0x20 && unit < 0x7F ? static_cast<char>(unit) : '?';
    }
    return name;
}

bool checksum_is_right(std::string header) {
    const std::uint32_t kept = le32(header, 16);
    header.replace(16, 4, 4, '\0');
    return kept == ~crc32(~0U, std::string_view(header).substr(0, kHeaderSize));
}

std::optional<CutOffGpt> with_sectors_of(const ByteSource& disk, std::uint64_t sector) {
    const std::optional<GptHeader> header = read_gpt_header(disk, sector, sector);
    if (!header || header->entry_size != kEntrySize) {
        return std::nullopt;
    }
    const std::uint32_t count = std::min(header->count, kMaxEntries);
    CutOffGpt gpt{.table = {.type = "gpt", .uuid = header->uuid, .partitions = {}},
                  .disk_bytes = saturated_product(header->other, sector)};
    if (gpt.disk_bytes < disk.size()) {
        return std::nullopt;
    }
    const Result<std::string> entries =
        disk.read(saturated_product(header->entries, sector), std::size_t{count} * kEntrySize);
    if (!entries) {
        return gpt;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string_view entry =
            std::string_view(*entries).substr(i * kEntrySize, kEntrySize);
        const std::uint64_t first = le64(entry, 32);
        const std::uint64_t end = le64(entry, 40);
        if (entry.substr(0, 16) == std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) ||
            end < first) {
            continue;
        }
        gpt.table.partitions.push_back({.number = static_cast<int>(i) + 1,
                                        .offset_bytes = saturated_product(first, sector),
                                        .size_bytes = saturated_product(end - first + 1, sector),
                                        .type = guid_text(entry, 0),
                                        .name = name_text(entry),
                                        .uuid = guid_text(entry, 16)});
    }
    return gpt;
}

}  // namespace

std::optional<GptHeader> read_gpt_header(const ByteSource& disk, std::uint64_t offset_bytes,
                                         std::uint64_t sector) {
    const Result<std::string> header = disk.read(offset_bytes, 512);
    if (!header || !header->starts_with("EFI PART") || le32(*header, 12) != kHeaderSize ||
        !checksum_is_right(*header)) {
        return std::nullopt;
    }
    return GptHeader{.sector = sector,
                     .other = le64(*header, 32),
                     .entries = le64(*header, 72),
                     .count = le32(*header, 80),
                     .entry_size = le32(*header, 84),
                     .checksum = le32(*header, 88),
                     .uuid = guid_text(*header, 56)};
}

bool has_right_entries(const ByteSource& disk, const GptHeader& header) {
    const std::uint64_t size = saturated_product(header.count, header.entry_size);
    if (size > kMaxEntries * kEntrySize) {
        return true;  // more than is read here
    }
    const Result<std::string> entries =
        disk.read(saturated_product(header.entries, header.sector), static_cast<std::size_t>(size));
    return entries && header.checksum == ~crc32(~0U, *entries);
}

std::optional<CutOffGpt> cut_off_gpt(const ByteSource& disk) {
    const auto usual = with_sectors_of(disk, 512);
    return usual ? usual : with_sectors_of(disk, 4096);
}

}  // namespace stillpoint
