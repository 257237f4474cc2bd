// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/volume_probe.h"

#include <array>
#include <cerrno>
#include <memory>

#include <blkid/blkid.h>

#include "base/format.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/volume_reader.h"

namespace stillpoint::linux_os {
namespace {

using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, decltype(&blkid_free_probe)>;

constexpr std::uint64_t kSector = 512;  // libblkid's, whatever the disk's

Error unreadable(const VolumeReader& volume) {
    return fail(Code::volume_unreadable, fmt::format("cannot probe '{}'", volume.path()))
        .with_errno(errno);
}

/// `sector_bytes`: 0 is what libblkid takes for it.
Probe probe_of(const VolumeReader& volume, unsigned sector_bytes = 0) {
    Probe probe(blkid_new_probe(), blkid_free_probe);
    if (probe && blkid_probe_set_device(probe.get(), volume.descriptor(),
                                        static_cast<blkid_loff_t>(volume.offset()),
                                        static_cast<blkid_loff_t>(volume.size())) != 0) {
        probe.reset();
    }
    if (probe && sector_bytes != 0) {
        blkid_probe_set_sectorsize(probe.get(), sector_bytes);
    }
    return probe;
}

std::string value_of(blkid_probe probe, const char* name) {
    const char* value = nullptr;
    return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? printable(value) : "";
}

std::string text_of(const char* text) {
    return text != nullptr ? printable(text) : "";
}

Result<std::optional<ProbedVolume>> probe_superblocks(const VolumeReader& volume,
                                                      bool beside_luks) {
    if (volume.size() == 0) {
        return std::optional<ProbedVolume>();
    }
    const Probe probe = probe_of(volume);
    if (!probe) {
        return unreadable(volume);
    }
    std::string luks = "crypto_LUKS";
    std::array<char*, 2> names = {luks.data(), nullptr};
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
                                                       BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID);
    if (beside_luks) {
        blkid_probe_filter_superblocks_type(probe.get(), BLKID_FLTR_NOTIN, names.data());
    }
    constexpr int kSeveral = -2;
    const int found = blkid_do_safeprobe(probe.get());
    if (found == 1) {
        return std::optional<ProbedVolume>();
    }
    if (found != 0 && found != kSeveral) {
        return unreadable(volume);
    }
    if (found == kSeveral) {
        return std::optional(ProbedVolume());
    }
    return std::optional(ProbedVolume{.type = value_of(probe.get(), "TYPE"),
                                      .usage = value_of(probe.get(), "USAGE"),
                                      .label = value_of(probe.get(), "LABEL"),
                                      .uuid = value_of(probe.get(), "UUID")});
}

Partition partition_of(blkid_partition entry, bool gpt) {
    return {.number = blkid_partition_get_partno(entry),
            .offset_bytes = static_cast<std::uint64_t>(blkid_partition_get_start(entry)) * kSector,
            .size_bytes = static_cast<std::uint64_t>(blkid_partition_get_size(entry)) * kSector,
            .type = gpt ? text_of(blkid_partition_get_type_string(entry))
                        : fmt::format("0x{:02x}", blkid_partition_get_type(entry)),
            .name = text_of(blkid_partition_get_name(entry)),
            .uuid = text_of(blkid_partition_get_uuid(entry))};
}

std::optional<PartitionTable> table_of(blkid_probe probe) {
    blkid_probe_enable_partitions(probe, 1);
    blkid_partlist list = blkid_probe_get_partitions(probe);
    blkid_parttable table = list != nullptr ? blkid_partlist_get_table(list) : nullptr;
    if (table == nullptr) {
        return std::nullopt;
    }
    PartitionTable result{.type = text_of(blkid_parttable_get_type(table)),
                          .uuid = text_of(blkid_parttable_get_id(table)),
                          .partitions = {}};
    for (int i = 0; i < blkid_partlist_numof_partitions(list); ++i) {
        blkid_partition entry = blkid_partlist_get_partition(list, i);
        if (blkid_partition_is_extended(entry) == 0) {
            result.partitions.push_back(partition_of(entry, result.type == "gpt"));
        }
    }
    return result;
}

}  // namespace

Result<std::optional<ProbedVolume>> probe_volume(const VolumeReader& volume) {
    return probe_superblocks(volume, false);
}

Result<std::optional<ProbedVolume>> probe_beside_luks(const VolumeReader& volume) {
    return probe_superblocks(volume, true);
}

Result<std::optional<ProbedVolume>> probe_volume(const VolumePlace& place) {
    const Result<VolumeReader> volume = VolumeReader::open(place);
    if (!volume) {
        return volume.error();
    }
    return probe_volume(*volume);
}

Result<std::optional<PartitionTable>> read_partition_table(const VolumePlace& place) {
    const Result<VolumeReader> volume = VolumeReader::open(place);
    if (!volume) {
        return volume.error();
    }
    if (volume->size() == 0) {
        return std::optional<PartitionTable>();
    }
    // An image does not say how large its disk's sectors were.
    for (const unsigned sector_bytes : {0U, 4096U}) {
        const Probe probe = probe_of(*volume, sector_bytes);
        if (!probe) {
            return unreadable(*volume);
        }
        if (std::optional<PartitionTable> table = table_of(probe.get())) {
            return table;
        }
    }
    return std::optional<PartitionTable>();
}

}  // namespace stillpoint::linux_os
