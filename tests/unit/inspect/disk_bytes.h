// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillpoint::testing {

/// Puts numbers where a disk keeps them.
inline void put_le(std::string& bytes, std::size_t at, std::uint64_t number, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
        bytes.at(at + i) = static_cast<char>(number >> (8 * i));
    }
}
inline void put_be(std::string& bytes, std::size_t at, std::uint64_t number, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
        bytes.at(at + i) = static_cast<char>(number >> (8 * (width - 1 - i)));
    }
}
inline void put_text(std::string& bytes, std::size_t at, std::string_view text) {
    bytes.replace(at, text.size(), text);
}

/// The superblock of an ext filesystem with nothing but what its state is read from.
inline std::string ext_volume(unsigned marks, unsigned compatible, unsigned incompatible,
                              unsigned read_only = 0) {
    std::string bytes(4096, '\0');
    put_le(bytes, 1024 + 0x38, 0xEF53, 2);
    put_le(bytes, 1024 + 0x3A, marks, 2);
    put_le(bytes, 1024 + 0x5C, compatible, 4);
    put_le(bytes, 1024 + 0x60, incompatible, 4);
    put_le(bytes, 1024 + 0x64, read_only, 4);
    put_text(bytes, 1024 + 0x78, "data");
    if ((compatible & 4U) != 0) {
        put_le(bytes, 1024 + 0xE0, 8, 4);  // the inode of a journal inside
    }
    return bytes;
}

/// The same with the superblock of its journal, in block 5, where an extent of the copy of the
/// journal's inode says that it is.
inline std::string ext_volume_with_journal(unsigned marks, unsigned incompatible,
                                           std::uint32_t start, std::uint32_t error) {
    std::string bytes = ext_volume(marks, 4, incompatible);
    constexpr std::size_t kInode = 1024 + 0x10C;
    put_le(bytes, 1024 + 0xFD, 1, 1);
    put_le(bytes, kInode, 0xF30A, 2);
    put_le(bytes, kInode + 2, 1, 2);
    put_le(bytes, kInode + 12 + 8, 5, 4);
    bytes.resize(6U * 1024, '\0');
    constexpr std::size_t kJournal = 5U * 1024;
    put_be(bytes, kJournal, 0xC03B3998, 4);
    put_be(bytes, kJournal + 4, 4, 4);
    put_be(bytes, kJournal + 0x1C, start, 4);
    put_be(bytes, kJournal + 0x20, error, 4);
    return bytes;
}

/// The footer of a VHD, with the checksum that belongs to it.
inline std::string vhd_footer(unsigned type, std::uint64_t disk_bytes) {
    std::string footer(512, '\0');
    put_text(footer, 0, "conectix");
    put_be(footer, 48, disk_bytes, 8);
    put_be(footer, 60, type, 4);
    std::uint32_t sum = 0;
    for (const char c : footer) {
        sum += static_cast<unsigned char>(c);
    }
    put_be(footer, 64, ~sum, 4);
    return footer;
}

}  // namespace stillpoint::testing
