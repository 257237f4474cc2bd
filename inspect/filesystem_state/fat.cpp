// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/filesystem_state.h"

namespace stillpoint {
namespace {

// Offsets and bits: Microsoft, "FAT32 File System Specification" 1.03; the byte "state" of the boot
// sector is what Linux and Windows NT mark at a mount (Linux, include/uapi/linux/msdos_fs.h).
constexpr unsigned kStateDirty = 1;
constexpr std::uint64_t kMaxClusters12 = 4084;

struct Geometry {
    std::uint64_t size = 0;
    unsigned bits = 0;  // 12, 16, 32
    std::uint64_t table = 0;
};

Result<Geometry> geometry_of(const std::string& boot) {
    const std::uint64_t sector = le16(boot, 11);
    const std::uint64_t cluster = byte_at(boot, 13);
    const std::uint64_t reserved = le16(boot, 14);
    const std::uint64_t tables = byte_at(boot, 16);
    const std::uint64_t root =
        (le16(boot, 17) * 32ULL + sector - 1) / std::max<std::uint64_t>(sector, 1);
    const std::uint64_t sectors = le16(boot, 19) != 0 ? le16(boot, 19) : le32(boot, 32);
    const std::uint64_t table_sectors = le16(boot, 22) != 0 ? le16(boot, 22) : le32(boot, 36);
    const std::uint64_t before_data = reserved + tables * table_sectors + root;
    if (sector < 512 || cluster == 0 || before_data > sectors) {
        return fail(Code::volume_unreadable, "the boot sector of a FAT filesystem makes no sense");
    }
    const std::uint64_t clusters = (sectors - before_data) / cluster;
    const bool is_32 = le16(boot, 22) == 0;
    return Geometry{.size = sectors * sector,
                    .bits = is_32                       ? 32U
                            : clusters > kMaxClusters12 ? 16U
                                                        : 12U,
                    .table = reserved * sector};
}

}  // namespace

Result<FilesystemState> fat_state(const ByteSource& volume) {
    const Result<std::string> boot = volume.read(0, 512);
    if (!boot) {
        return boot.error();
    }
    const Result<Geometry> geometry = geometry_of(*boot);
    if (!geometry) {
        return geometry.error();
    }
    const Result<std::string> table = volume.read(geometry->table, 8);
    if (!table) {
        return table.error();
    }
    // Its first entry repeats the kind of disk that the boot sector names.
    if (byte_at(*table, 0) != byte_at(*boot, 21)) {
        return fail(Code::volume_unreadable,
                    "the allocation table of a FAT filesystem makes no sense");
    }
    const bool is_32 = geometry->bits == 32;
    const std::size_t extended = is_32 ? 64 : 36;  // drive number, state, signature, serial, label
    // The second entry of the table: bits that are set say "shut down cleanly" and "no disk error".
    const std::uint32_t entry = is_32 ? le32(*table, 4) : le16(*table, 2);
    const std::uint32_t shut_down = is_32 ? 0x08000000U : 0x8000U;
    const std::uint32_t no_error = is_32 ? 0x04000000U : 0x4000U;
    const bool has_marks = geometry->bits != 12;  // FAT12 has no room for them
    const bool marked_mounted = (byte_at(*boot, extended + 1) & kStateDirty) != 0;
    const bool not_shut_down = has_marks && (entry & shut_down) == 0;
    const bool disk_error = has_marks && (entry & no_error) == 0;

    FilesystemState state;
    state.type = "vfat";
    state.size_bytes = geometry->size;
    const std::uint32_t serial = le32(*boot, extended + 3);
    state.uuid = fmt::format("{:04X}-{:04X}", serial >> 16U, serial & 0xFFFFU);
    state.label = padded_text(*boot, extended + 7, 11);
    if (state.label == "NO NAME") {  // what stands there when there is none
        state.label.clear();
    }
    state.facts = {{"fat_bits", std::to_string(geometry->bits)},
                   {"marked_mounted", marked_mounted ? "yes" : "no"},
                   {"shut_down_cleanly", !has_marks      ? "not kept"
                                         : not_shut_down ? "no"
                                                         : "yes"},
                   {"disk_error", !has_marks   ? "not kept"
                                  : disk_error ? "yes"
                                               : "no"}};
    if (disk_error) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "it is marked as having met disk errors";
    } else if (marked_mounted || not_shut_down) {
        state.verdict = FilesystemVerdict::was_mounted;
        state.sentence =
            "it was mounted, and without a journal it cannot tell whether it was still";
    } else {
        state.verdict = FilesystemVerdict::clean;
        state.sentence = "it is marked as cleanly unmounted";
    }
    return state;
}

}  // namespace stillpoint
