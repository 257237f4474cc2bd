// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/bitlk_recognition.h"

#include <libcryptsetup.h>

#include "base/format.h"
#include "platform/linux/crypt/crypt_device.h"
#include "platform/linux/crypt/recognised.h"

namespace stillpoint::linux_os {
namespace {

void refuse(EncryptionHeader& header, HeaderState state, std::string problem) {
    header.state = state;
    header.problem = std::move(problem);
}

/// What it is called where the library was not asked, or does not load it.
Result<void> judge(const VolumeReader& volume, const BitlkVolume& bitlk, EncryptionHeader& header) {
    if (bitlk.boot.kind == BitlkKind::vista) {
        refuse(header, HeaderState::not_understood, "it was made by Windows Vista");
        return {};
    }
    if (!bitlk.block) {
        refuse(header, HeaderState::damaged, "none of the three metadata blocks is whole");
        return {};
    }
    const Result<HeaderCopy> copy = copy_bitlk(bitlk, volume.size());
    if (!copy) {
        return copy.error();
    }
    CryptDevice device(*copy, volume.path());
    const bool loaded = device.load(CRYPT_BITLK);
    if (!loaded && device.could_not_look()) {
        return fail(Code::volume_unreadable, fmt::format("the header of '{}' cannot be judged: {}",
                                                         volume.path(), device.why()));
    }
    if (!loaded) {
        refuse(header,
               bitlk.block->known_cipher ? HeaderState::damaged : HeaderState::not_understood,
               fmt::format("libcryptsetup does not load it: {}", device.why()));
    } else if (!bitlk.block->has_key) {
        refuse(header, HeaderState::damaged, "it holds no key for its cipher");
    } else if (bitlk.damaged_blocks != 0) {
        refuse(header, HeaderState::one_copy_damaged,
               fmt::format("{} of the three metadata blocks {} damaged", bitlk.damaged_blocks,
                           bitlk.damaged_blocks == 1 ? "is" : "are"));
    }
    return {};
}

}  // namespace

Result<std::optional<BitlkVolume>> read_bitlk(const VolumeReader& volume) {
    Result<std::string> sector = volume.read(0, BitlkBoot::kBytes);
    if (!sector) {
        return sector.error();
    }
    const std::optional<BitlkBoot> boot = parse_bitlk_boot(*sector);
    if (!boot) {
        return std::optional<BitlkVolume>();
    }
    BitlkVolume bitlk;
    bitlk.boot_sector = *std::move(sector);
    bitlk.boot = *boot;
    if (boot->kind == BitlkKind::vista) {
        return std::optional(std::move(bitlk));
    }
    for (const std::uint64_t offset : boot->metadata_offsets) {
        Result<std::string> bytes = volume.read(offset, BitlkBlock::kBytes);
        if (!bytes) {
            return bytes.error();
        }
        std::optional<BitlkBlock> block = parse_bitlk_block(*bytes);
        if (!block) {
            ++bitlk.damaged_blocks;
        }
        if (block && !bitlk.block) {
            bitlk.block = std::move(block);
            bitlk.block_bytes = *std::move(bytes);
            bitlk.block_offset = offset;
        } else {
            wipe(*bytes);
        }
    }
    return std::optional(std::move(bitlk));
}

Result<HeaderCopy> copy_bitlk(const BitlkVolume& bitlk, std::uint64_t volume_bytes) {
    std::string sector = bitlk.boot_sector;
    for (std::size_t i = 0; i < 8; ++i) {
        sector[bitlk.boot.offsets_at + i] = static_cast<char>(bitlk.block_offset >> 8 * i);
    }
    Result<HeaderCopy> copy = HeaderCopy::make(volume_bytes);
    if (!copy) {
        return copy;
    }
    Result<void> put = copy->put(0, sector);
    if (put) {
        put = copy->put(bitlk.block_offset, bitlk.block_bytes);
    }
    if (!put) {
        return put.error();
    }
    return copy;
}

Recognition recognise_bitlk(const VolumeReader& volume) {
    const Result<std::optional<BitlkVolume>> read = read_bitlk(volume);
    if (!read) {
        return read.error();
    }
    if (!*read) {
        return std::optional<RecognisedHeader>();
    }
    const BitlkVolume& bitlk = **read;
    RecognisedHeader found;
    found.header = bitlk.block ? bitlk.block->header : EncryptionHeader();
    found.header.format = EncryptionFormat::bitlk;
    found.header.sector_bytes = bitlk.boot.sector_bytes;
    if (bitlk.block) {
        found.head = {bitlk.block->boot_copy_offset, bitlk.block->boot_copy_bytes};
    }
    if (found.header.reencrypting || bitlk.boot.encrypt_on_write) {
        found.not_simple = "not all of it is encrypted";
    }
    if (const Result<void> judged = judge(volume, bitlk, found.header); !judged) {
        return judged.error();
    }
    return std::optional(std::move(found));
}

}  // namespace stillpoint::linux_os
