// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/filesystem_state.h"

namespace stillpoint {
namespace {

// Offsets: the structures of the Linux driver, fs/ntfs3/ntfs.h (NTFS_BOOT, MFT_REC, ATTRIB,
// VOLUME_INFO).
constexpr std::uint64_t kVolumeRecord = 3;
constexpr std::size_t kFixupStride = 512;
constexpr std::uint32_t kVolumeName = 0x60;
constexpr std::uint32_t kVolumeInformation = 0x70;
constexpr std::uint32_t kEnd = 0xFFFFFFFF;
constexpr unsigned kDirty = 1;

struct Geometry {
    std::uint64_t table = 0;  // of the master file table
    std::size_t record = 0;
};

Error senseless(std::string_view what) {
    return fail(Code::volume_unreadable, fmt::format("{} of NTFS makes no sense", what));
}

Result<Geometry> geometry_of(const std::string& boot) {
    const std::uint64_t sector = le16(boot, 11);
    const std::uint8_t code = byte_at(boot, 13);
    // More than 128 sectors are kept as a negative power of two.
    const std::uint64_t sectors = code <= 128 ? code : 1ULL << std::min(256U - code, 31U);
    const std::uint64_t cluster = sector * sectors;
    const auto size_code = static_cast<std::int8_t>(byte_at(boot, 64));
    const std::uint64_t record = size_code > 0 ? static_cast<std::uint64_t>(size_code) * cluster
                                               : 1ULL << std::min(-static_cast<int>(size_code), 31);
    const std::uint64_t first = le64(boot, 48);
    const bool sane = sector >= 256 && sector <= 4096 && cluster >= 512 && cluster <= (2U << 20U) &&
                      record >= 512 && record <= 65536 && record % kFixupStride == 0 &&
                      first < (1ULL << 42U);
    if (!sane) {
        return senseless("the boot sector");
    }
    return Geometry{.table = first * cluster, .record = static_cast<std::size_t>(record)};
}

/// The last two bytes of each stride are kept at the record's head, with a number in their place: a
/// record of which only a part was written shows. False: so it is here.
bool put_back_fixups(std::string& record) {
    const std::size_t at = le16(record, 4);
    const std::size_t count = le16(record, 6);
    if (count != record.size() / kFixupStride + 1 || at + count * 2 > kFixupStride - 2) {
        return false;
    }
    for (std::size_t i = 1; i < count; ++i) {
        const std::size_t end = i * kFixupStride - 2;
        if (record.compare(end, 2, record, at, 2) != 0) {
            return false;
        }
        record.replace(end, 2, record, at + i * 2, 2);
    }
    return true;
}

/// The content of the first attribute of `type` that lies in the record itself.
std::optional<std::string_view> resident_attribute(std::string_view record, std::uint32_t type) {
    std::size_t at = le16(record, 20);
    while (at + 24 <= record.size() && le32(record, at) != kEnd) {
        const std::size_t size = le32(record, at + 4);
        if (size < 24 || size > record.size() - at) {
            return std::nullopt;
        }
        if (le32(record, at) == type && byte_at(record, at + 8) == 0) {
            const std::size_t content_size = le32(record, at + 16);
            const std::size_t content = le16(record, at + 20);
            if (content > size || content_size > size - content) {
                return std::nullopt;
            }
            return record.substr(at + content, content_size);
        }
        at += size;
    }
    return std::nullopt;
}

/// UTF-16 as the volume's name is kept; what is not Latin-1 is shown as '?'.
std::string name_text(std::string_view utf16) {
    std::string text;
    for (std::size_t at = 0; at + 2 <= utf16.size(); at += 2) {
        const unsigned unit = le16(utf16, at);
        if (unit >= 0x20 && unit < 0x7F) {
            text += static_cast<char>(unit);
        } else if (unit >= 0xA0 && unit < 0x100) {
            text += static_cast<char>(0xC0U | unit >> 6U);
            text += static_cast<char>(0x80U | (unit & 0x3FU));
        } else {
            text += '?';
        }
    }
    return text;
}

}  // namespace

Result<FilesystemState> ntfs_state(const ByteSource& volume) {
    const Result<std::string> boot = volume.read(0, 512);
    if (!boot) {
        return boot.error();
    }
    const Result<Geometry> geometry = geometry_of(*boot);
    if (!geometry) {
        return geometry.error();
    }
    Result<std::string> record =
        volume.read(geometry->table + kVolumeRecord * geometry->record, geometry->record);
    if (!record) {
        return record.error();
    }
    if (!record->starts_with("FILE") || !put_back_fixups(*record)) {
        return senseless("the record '$Volume'");
    }
    const auto information = resident_attribute(*record, kVolumeInformation);
    if (!information || information->size() < 12) {
        return senseless("the record '$Volume'");
    }
    const unsigned flags = le16(*information, 10);
    FilesystemState state;
    state.type = "ntfs";
    state.size_bytes = saturated_product(le64(*boot, 40), le16(*boot, 11));
    state.uuid = fmt::format("{:016X}", le64(*boot, 72));
    state.label = name_text(resident_attribute(*record, kVolumeName).value_or(""));
    state.facts = {
        {"version", fmt::format("{}.{}", byte_at(*information, 8), byte_at(*information, 9))},
        {"volume_flags", fmt::format("0x{:04x}", flags)}};
    if ((flags & kDirty) != 0) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "its dirty flag is set: Windows will check it";
    } else {
        // Windows sets the flag when a check is needed, not while the volume is mounted.
        state.verdict = FilesystemVerdict::no_replay;
        state.sentence =
            "its dirty flag is not set; its log is not read, so whether it was at rest is not told";
    }
    return state;
}

}  // namespace stillpoint
