// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/encryption_headers.h"

namespace stillpoint {

/// What is recognised on a volume.
struct ProbedVolume {
    std::string type;   // "ext4", "crypto_LUKS", "LVM2_member"; empty: several at once
    std::string usage;  // "filesystem", "raid", "crypto", "other"
    std::string label;
    std::string uuid;

    bool operator==(const ProbedVolume&) const = default;
};

struct Partition {
    int number = 0;
    std::uint64_t offset_bytes = 0;
    std::uint64_t size_bytes = 0;
    std::string type;  // GPT: its GUID; else "0x83"
    std::string name;  // GPT
    std::string uuid;

    bool operator==(const Partition&) const = default;
};

struct PartitionTable {
    std::string type;  // "gpt", "dos"
    std::string uuid;
    std::vector<Partition> partitions;  // without the extended one that only holds others

    bool operator==(const PartitionTable&) const = default;
};

/// Recognises what lies on volumes, and how disks are divided. Writes nothing.
class VolumeProbe {
public:
    virtual ~VolumeProbe() = default;

    /// No value: nothing is recognised. Errors: volume_unreadable.
    virtual Result<std::optional<ProbedVolume>> recognise(const VolumePlace& place) const = 0;

    /// Of a whole disk or its image. No value: there is no partition table.
    /// Errors: volume_unreadable.
    virtual Result<std::optional<PartitionTable>> partitions(const VolumePlace& place) const = 0;
};

}  // namespace stillpoint
