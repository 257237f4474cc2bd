// SPDX-License-Identifier: Apache-2.0
#include "inspect/content.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "inspect/bytes.h"

namespace stillpoint {
namespace {

using StateReader = Result<FilesystemState> (*)(const ByteSource&);

struct Signature {
    std::string_view name;
    std::uint64_t at;
    std::string_view magic;
    StateReader state;
};

using namespace std::string_view_literals;

constexpr std::array kFilesystems = {
    Signature{"ext4", 1024 + 0x38, "\x53\xEF"sv, ext_state},
    Signature{"xfs", 0, "XFSB"sv, xfs_state},
    Signature{"btrfs", (64U << 10U) + 0x40, "_BHRfS_M"sv, btrfs_state},
    Signature{"ntfs", 3, "NTFS    "sv, ntfs_state},
    Signature{"vfat", 0x36, "FAT12   "sv, fat_state},
    Signature{"vfat", 0x36, "FAT16   "sv, fat_state},
    Signature{"vfat", 0x52, "FAT32   "sv, fat_state},
};

bool has(const ByteSource& volume, std::uint64_t at, std::string_view magic) {
    const Result<std::string> bytes = volume.read(at, magic.size());
    return bytes && *bytes == magic;
}

/// Linux md keeps its superblock at the beginning, 4 KiB behind it, or near the end; then the
/// volume begins with the filesystem itself. Linux, Documentation/admin-guide/md.rst and
/// drivers/md/md.c, super_90_load, super_1_load.
bool is_raid_member(const ByteSource& volume) {
    constexpr std::string_view kMagic = "\xFC\x4E\x2B\xA9"sv;
    if (has(volume, 0, kMagic) || has(volume, 4096, kMagic)) {
        return true;
    }
    constexpr std::uint64_t kOld = 64U << 10U;
    if (volume.size() >= 2 * kOld && has(volume, volume.size() / kOld * kOld - kOld, kMagic)) {
        return true;
    }
    const std::uint64_t sectors = volume.size() / 512;
    return sectors > 16 && has(volume, (sectors - 16) / 8 * 8 * 512, kMagic);
}

bool is_lvm_member(const ByteSource& volume) {
    for (std::uint64_t sector = 0; sector < 4; ++sector) {
        if (has(volume, sector * 512, "LABELONE") && has(volume, sector * 512 + 24, "LVM2 001")) {
            return true;
        }
    }
    return false;
}

bool is_swap(const ByteSource& volume) {
    for (std::uint64_t page = 4096; page <= 65536; page *= 2) {  // by architecture
        if (has(volume, page - 10, "SWAPSPACE2")) {
            return true;
        }
    }
    return false;
}

Content named(ContentKind kind, std::string_view name) {
    return {.kind = kind, .name = std::string(name), .filesystem = {}, .problem = {}};
}

/// A copy of a superblock whose original, where it should be, is none any more.
struct Copy {
    std::string_view name;
    std::uint64_t at;  // from the beginning; with `from_end` from the end
    std::string_view magic;
    bool from_end = false;
};

// ext: the first backup lies at the beginning of group 1, which with blocks of 1, 2 and 4 KiB is
// there. btrfs: the second of three. NTFS: the last sector, or the last but one where the partition
// is larger than the filesystem. FAT32: sector 6.
constexpr std::array kCopies = {
    Copy{"ext4", (8193ULL << 10U) + 0x38, "\x53\xEF"sv},
    Copy{"ext4", (16384ULL << 11U) + 0x38, "\x53\xEF"sv},
    Copy{"ext4", (32768ULL << 12U) + 0x38, "\x53\xEF"sv},
    Copy{"btrfs", (64ULL << 20U) + 0x40, "_BHRfS_M"sv},
    Copy{"ntfs", 512 - 3, "NTFS    "sv, true},
    Copy{"ntfs", 1024 - 3, "NTFS    "sv, true},
    Copy{"vfat", 6 * 512 + 0x52, "FAT32   "sv},
};

/// The name of a filesystem that was there; empty: no trace of one.
std::string_view lost_filesystem(const ByteSource& volume) {
    for (const Copy& copy : kCopies) {
        if (copy.at <= volume.size() &&
            has(volume, copy.from_end ? volume.size() - copy.at : copy.at, copy.magic)) {
            return copy.name;
        }
    }
    return "";
}

Content nothing_recognised(const ByteSource& volume) {
    Content content = named(ContentKind::nothing_recognised, "");
    if (const std::string_view name = lost_filesystem(volume); !name.empty()) {
        content.problem = fmt::format(
            "there is a copy of the superblock of {}, and not the superblock itself", name);
    }
    return content;
}

Content with_state(const Signature& signature, const ByteSource& volume) {
    Content content = named(ContentKind::filesystem, signature.name);
    Result<FilesystemState> state = signature.state(volume);
    if (state) {
        content.filesystem = std::move(*state);
        if (content.filesystem->size_bytes > volume.size()) {
            content.filesystem->verdict = FilesystemVerdict::errors;
            content.filesystem->sentence =
                fmt::format("its end is missing: it has {} bytes, the volume only {}",
                            content.filesystem->size_bytes, volume.size());
        }
    } else {
        content.filesystem = FilesystemState{.type = content.name,
                                             .uuid = {},
                                             .label = {},
                                             .size_bytes = 0,
                                             .verdict = FilesystemVerdict::unreadable,
                                             .sentence = state.error().sentence(),
                                             .facts = {}};
    }
    content.name = content.filesystem->type;
    return content;
}

}  // namespace

Result<Content> content_of(const ByteSource& volume) {
    const Result<std::string> beginning =
        volume.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(volume.size(), 512)));
    if (!beginning) {
        return beginning.error();
    }
    // First those beside which a filesystem of earlier days, or of the array, may be seen.
    if (is_raid_member(volume)) {
        return named(ContentKind::raid_member, "linux_raid_member");
    }
    if (is_lvm_member(volume)) {
        return named(ContentKind::lvm_member, "LVM2_member");
    }
    std::vector<const Signature*> found;
    for (const Signature& signature : kFilesystems) {
        if (has(volume, signature.at, signature.magic)) {
            found.push_back(&signature);
        }
    }
    if (found.size() == 1) {
        return with_state(*found.front(), volume);
    }
    if (found.size() > 1) {  // one of them is of earlier days, and it is not told which
        std::string names;
        for (const Signature* one : found) {
            names += fmt::format("{}{}", names.empty() ? "" : " and ", one->name);
        }
        return named(ContentKind::other, names);
    }
    if (is_swap(volume)) {
        return named(ContentKind::swap, "swap");
    }
    return nothing_recognised(volume);
}

}  // namespace stillpoint
