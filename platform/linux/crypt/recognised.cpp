// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/recognised.h"

#include <algorithm>

#include "base/format.h"
#include "base/secret.h"
#include "platform/linux/crypt/digest.h"

namespace stillpoint::linux_os {

Recognition recognise_integrity(const VolumeReader& volume) {
    // struct superblock of drivers/md/dm-integrity.c; the kernel knows versions 1 to 6.
    constexpr std::string_view kMagic("integrt\0", 8);
    constexpr std::uint64_t kNewest = 6;
    const Result<std::string> start = volume.read(0, 512);
    if (!start) {
        return start.error();
    }
    if (!start->starts_with(kMagic)) {
        return std::optional<RecognisedHeader>();
    }
    RecognisedHeader found{.not_simple = "dm-integrity encrypts nothing"};
    found.header.format = EncryptionFormat::integrity;
    found.header.sector_bytes = 512 << std::min<std::uint64_t>(little_endian(*start, 28, 1), 3);
    const std::uint64_t version = little_endian(*start, 8, 1);
    if (version == 0 || version > kNewest) {
        found.header.state = HeaderState::not_understood;
        found.header.problem = fmt::format("version {} of dm-integrity is not known", version);
    }
    return std::optional(std::move(found));
}

Recognition recognise_other_luks(const VolumeReader& volume) {
    constexpr std::uint64_t kSmallest = 4096;
    const Result<std::string> start = volume.read(0, 8);
    if (!start) {
        return start.error();
    }
    if (!start->starts_with("LUKS\xba\xbe")) {
        return std::optional<RecognisedHeader>();
    }
    RecognisedHeader found;
    found.header.format = EncryptionFormat::luks2;
    if (volume.size() < kSmallest) {
        found.header.state = HeaderState::damaged;
        found.header.problem = "the volume ends within its header";
    } else {
        found.header.state = HeaderState::not_understood;
        found.header.problem =
            fmt::format("version {} of LUKS is not known", big_endian(*start, 6, 2));
    }
    return std::optional(std::move(found));
}

Recognition recognise(const VolumeReader& volume) {
    for (const auto& one : {recognise_luks1, recognise_luks2, recognise_bitlk, recognise_integrity,
                            recognise_other_luks}) {
        Recognition found = one(volume);
        if (!found || *found) {
            return found;
        }
    }
    return std::optional<RecognisedHeader>();
}

Result<std::string> digest_of(const VolumeReader& volume, const std::vector<Stretch>& stretches) {
    constexpr std::uint64_t kPiece = 256U << 10;
    Digest digest = Digest::sha256();
    for (const Stretch& stretch : stretches) {
        for (std::uint64_t done = 0; done < stretch.bytes; done += kPiece) {
            Result<std::string> piece =
                volume.read(stretch.offset + done, std::min(kPiece, stretch.bytes - done));
            if (!piece) {
                return piece.error();
            }
            digest.add(*piece);
            const bool ended = piece->empty();
            wipe(*piece);
            if (ended) {
                break;
            }
        }
    }
    return hexadecimal(digest.bytes());
}

}  // namespace stillpoint::linux_os
