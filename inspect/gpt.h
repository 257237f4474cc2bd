// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "platform/byte_source.h"
#include "platform/volume_probe.h"

namespace stillpoint {

/// One of the two headers of a GPT, its checksum right.
struct GptHeader {
    std::uint64_t sector = 512;  // bytes
    std::uint64_t other = 0;     // the sector of the other header
    std::uint64_t entries = 0;   // the sector where the entries begin
    std::uint32_t count = 0;     // of them
    std::uint32_t entry_size = 0;
    std::uint32_t checksum = 0;  // of all of them
    std::string uuid;
};

/// The header at `offset_bytes`, if there is a valid one.
std::optional<GptHeader> read_gpt_header(const ByteSource& disk, std::uint64_t offset_bytes,
                                         std::uint64_t sector);

bool has_right_entries(const ByteSource& disk, const GptHeader& header);

/// The partition table of a disk whose end is missing. libblkid takes a GPT that goes beyond the
/// disk for none at all, and the image would look as if there were nothing on it.
struct CutOffGpt {
    PartitionTable table;
    std::uint64_t disk_bytes = 0;  // of the whole disk

    bool operator==(const CutOffGpt&) const = default;
};

/// No value: there is no GPT at the beginning with a right checksum, or the disk is all there.
std::optional<CutOffGpt> cut_off_gpt(const ByteSource& disk);

}  // namespace stillpoint
