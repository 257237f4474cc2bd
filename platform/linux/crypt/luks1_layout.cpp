// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/luks1_layout.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "platform/linux/crypt/digest.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "LUKS\xba\xbe"sv;
// What cryptsetup puts there while it re-encrypts offline, so that nobody opens the volume.
constexpr std::string_view kMagicInReencryption = "LUKS\xde\xad"sv;
constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kStripes = 4000;  // the only number there is
constexpr std::uint32_t kSlotInUse = 0x00AC71F3;
constexpr std::uint32_t kSlotFree = 0x0000DEAD;
constexpr std::uint64_t kMostKeyBytes = 4096;  // far above any cipher's

struct Slot {
    int number = 0;
    bool in_use = false;
    Stretch area;
};

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
               (byte >= '0' && byte <= '9') || "-_:().,+"sv.find(byte) != std::string_view::npos;
    });
}

/// Empty when all is well.
std::string fault_of_slots(std::vector<Slot> slots, std::uint64_t payload,
                           std::uint64_t volume_bytes) {
    std::ranges::sort(slots, {}, [](const Slot& slot) { return slot.area.offset; });
    std::uint64_t free_from = 1024;  // behind the header
    for (const Slot& slot : slots) {
        const std::uint64_t end = slot.area.offset + slot.area.bytes;
        if (slot.area.offset < free_from) {
            return fmt::format("keyslot {} overlaps with what is before it", slot.number);
        }
        if (payload != 0 && end > payload) {  // zero: a detached header
            return fmt::format("keyslot {} reaches into the data", slot.number);
        }
        if (end > volume_bytes) {
            return fmt::format("the volume ends before keyslot {} does", slot.number);
        }
        free_from = end;
    }
    return {};
}

std::string fault_of(const Luks1Layout& layout, const std::vector<Slot>& slots,
                     std::uint64_t volume_bytes) {
    if (!is_name(layout.cipher_name) || !is_name(layout.cipher_mode) || !is_name(layout.hash)) {
        return "the names of cipher and hash are not readable";
    }
    return fault_of_slots(slots, layout.header.payload_offset_bytes, volume_bytes);
}

}  // namespace

std::optional<Luks1Layout> parse_luks1(std::string_view start, std::uint64_t volume_bytes) {
    const bool reencrypting = start.starts_with(kMagicInReencryption);
    if (start.size() < Luks1Layout::kBytes || (!reencrypting && !start.starts_with(kMagic)) ||
        big_endian(start, 6, 2) != 1) {
        return std::nullopt;
    }
    Luks1Layout layout;
    layout.cipher_name = text_field(start, 8, 32);
    layout.cipher_mode = text_field(start, 40, 32);
    layout.hash = text_field(start, 72, 32);
    const std::uint64_t key_bytes = big_endian(start, 108, 4);
    EncryptionHeader& header = layout.header;
    header.format = EncryptionFormat::luks1;
    header.cipher = layout.cipher_name + "-" + layout.cipher_mode;
    header.payload_offset_bytes = big_endian(start, 104, 4) * kSector;
    header.uuid = text_field(start, 168, 40);
    header.reencrypting = reencrypting;
    header.digests.header = sha256_text(start.substr(0, Luks1Layout::kBytes));
    if (key_bytes == 0 || key_bytes > kMostKeyBytes) {
        layout.fault = fmt::format("a key of {} bytes", key_bytes);
        return layout;
    }
    layout.key_bytes = static_cast<int>(key_bytes);
    header.key_bits = 8 * layout.key_bytes;

    layout.key_costs = {{.what = "the digest of the key", .rounds = big_endian(start, 164, 4)}};

    std::vector<Slot> slots;
    for (int number = 0; number < 8; ++number) {
        const std::size_t at = 208 + static_cast<std::size_t>(number) * 48;
        const std::uint64_t active = big_endian(start, at, 4);
        const std::uint64_t area = key_bytes * kStripes;
        const Slot slot = {
            number,
            active == kSlotInUse,
            {big_endian(start, at + 40, 4) * kSector, (area + kSector - 1) / kSector * kSector}};
        if (big_endian(start, at + 44, 4) != kStripes) {
            layout.fault = fmt::format("keyslot {} is not split in {} stripes", number, kStripes);
        }
        if (active != kSlotInUse && active != kSlotFree) {
            layout.fault = fmt::format("keyslot {} is neither in use nor free", number);
        }
        slots.push_back(slot);
        if (slot.in_use) {
            header.keyslots.push_back({.number = number, .kind = "pbkdf2"});
            layout.key_areas.push_back(slot.area);
            layout.key_costs.push_back({.what = fmt::format("keyslot {}", number),
                                        .rounds = big_endian(start, at + 4, 4)});
        }
    }
    if (layout.fault.empty()) {
        layout.fault = fault_of(layout, slots, volume_bytes);
    }
    return layout;
}

}  // namespace stillpoint::linux_os
