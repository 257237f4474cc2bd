// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/luks2_layout.h"

#include <algorithm>

#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/digest.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kFirstMagic = "LUKS\xba\xbe"sv;
constexpr std::string_view kSecondMagic = "SKUL\xba\xbe"sv;
constexpr std::size_t kChecksumAt = 448;
constexpr std::size_t kChecksumBytes = 64;

}  // namespace

std::optional<Luks2Copy> parse_luks2_binary(std::string_view binary, std::uint64_t offset) {
    if (binary.size() < Luks2Copy::kBinaryBytes ||
        !binary.starts_with(offset == 0 ? kFirstMagic : kSecondMagic) ||
        big_endian(binary, 6, 2) != 2) {
        return std::nullopt;
    }
    Luks2Copy copy;
    copy.offset = offset;
    const std::uint64_t bytes = big_endian(binary, 8, 8);
    const bool fits = bytes > Luks2Copy::kBinaryBytes && bytes <= Luks2Copy::kMostBytes &&
                      (offset == 0 || bytes == offset) && big_endian(binary, 256, 8) == offset;
    copy.bytes = fits ? bytes : 0;
    copy.sequence = big_endian(binary, 16, 8);
    copy.label = text_field(binary, 24, 48);
    copy.checksum_algorithm = text_field(binary, 72, 32);
    copy.uuid = text_field(binary, 168, 40);
    copy.checksum = binary.substr(kChecksumAt, kChecksumBytes);
    return copy;
}

Luks2Checksum check_luks2(const Luks2Copy& copy, std::string_view whole) {
    if (copy.bytes == 0 || whole.size() < copy.bytes) {
        return Luks2Checksum::wrong;
    }
    std::optional<Digest> digest = Digest::of(copy.checksum_algorithm);
    if (!digest) {
        return Luks2Checksum::unknown_algorithm;
    }
    // The checksum is over the whole copy with zeros in its own place.
    digest->add(whole.substr(0, kChecksumAt));
    digest->add(std::string(kChecksumBytes, '\0'));
    digest->add(
        whole.substr(kChecksumAt + kChecksumBytes, copy.bytes - kChecksumAt - kChecksumBytes));
    const std::string sum = digest->bytes();
    return copy.checksum.starts_with(sum) ? Luks2Checksum::right : Luks2Checksum::wrong;
}

std::string_view luks2_json(std::string_view whole) {
    const std::string_view area = whole.substr(std::min(whole.size(), Luks2Copy::kBinaryBytes));
    return area.substr(0, area.find('\0'));
}

}  // namespace stillpoint::linux_os
