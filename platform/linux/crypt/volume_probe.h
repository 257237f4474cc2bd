// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/result.h"
#include "platform/encryption_headers.h"
#include "platform/volume_probe.h"

namespace stillpoint::linux_os {

class VolumeReader;

// What libblkid recognises on a volume. Only a descriptor that cannot write is given to it.

/// No value: it recognises nothing. Errors: volume_unreadable.
Result<std::optional<ProbedVolume>> probe_volume(const VolumePlace& place);
/// Everything but LUKS, which a volume may also be.
Result<std::optional<ProbedVolume>> probe_beside_luks(const VolumeReader& volume);
Result<std::optional<ProbedVolume>> probe_volume(const VolumeReader& volume);

/// Of a whole disk or its image. No value: there is no partition table. Errors: volume_unreadable.
Result<std::optional<PartitionTable>> read_partition_table(const VolumePlace& place);

class BlkidProbe final : public VolumeProbe {
public:
    Result<std::optional<ProbedVolume>> recognise(const VolumePlace& place) const override {
        return probe_volume(place);
    }
    Result<std::optional<PartitionTable>> partitions(const VolumePlace& place) const override {
        return read_partition_table(place);
    }
};

}  // namespace stillpoint::linux_os
