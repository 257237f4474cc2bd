// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/linux_encryption_headers.h"

#include <fstream>
#include <iterator>

#include "base/format.h"
#include "platform/linux/crypt/bitlk_recognition.h"
#include "platform/linux/crypt/opening.h"
#include "platform/linux/crypt/recognised.h"

namespace stillpoint::linux_os {
namespace {

struct Locked {
    VolumeReader volume;
    RecognisedHeader found;
};

std::string memory_information() {
    std::ifstream file("/proc/meminfo");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A header that a key may be tried on.
Result<Locked> find_header(const VolumePlace& place) {
    Result<VolumeReader> volume = VolumeReader::open(place);
    if (!volume) {
        return volume.error();
    }
    Recognition found = recognise(*volume);
    if (!found) {
        return found.error();
    }
    if (!*found || (*found)->header.format == EncryptionFormat::integrity) {
        return fail(Code::encryption_unsupported,
                    fmt::format("'{}' begins with no header that a key opens", place.path));
    }
    const EncryptionHeader& header = (*found)->header;
    if (header.state == HeaderState::not_understood) {
        return fail(Code::encryption_unsupported,
                    fmt::format("the header of '{}': {}", place.path, header.problem));
    }
    const std::uint64_t free_kib = available_kib(memory_information());
    if (const std::string why = why_too_costly((*found)->key_costs, free_kib); !why.empty()) {
        return fail(Code::encryption_unsupported,
                    fmt::format("no key is tried on '{}': {}", place.path, why));
    }
    // A damaged one may still have a copy that opens by itself.
    if (header.digests.header.empty()) {
        return fail(Code::header_damaged,
                    fmt::format("the header of '{}': {}", place.path, header.problem));
    }
    return Locked{*std::move(volume), **std::move(found)};
}

Result<Opened> open_with(const Locked& locked, KeyKind kind, const Secret& key, Wanted wanted) {
    if (locked.found.header.format == EncryptionFormat::bitlk) {
        return open_bitlk(locked.volume, kind, key);
    }
    return open_luks(locked.volume, locked.found, key, wanted);
}

}  // namespace

Result<std::optional<EncryptionHeader>> LinuxEncryptionHeaders::read(
    const VolumePlace& place) const {
    const Result<VolumeReader> volume = VolumeReader::open(place);
    if (!volume) {
        return volume.error();
    }
    Recognition found = recognise(*volume);
    if (!found) {
        return found.error();
    }
    if (!*found) {
        return std::optional<EncryptionHeader>();
    }
    return std::optional((*std::move(found))->header);
}

Result<int> LinuxEncryptionHeaders::try_key(const VolumePlace& place, KeyKind kind,
                                            const Secret& key) const {
    const Result<Locked> locked = find_header(place);
    if (!locked) {
        return locked.error();
    }
    const Result<Opened> opened = open_with(*locked, kind, key, Wanted::keyslot);
    if (!opened) {
        return opened.error();
    }
    return opened->keyslot;
}

Result<VolumeKey> LinuxEncryptionHeaders::unlock(const VolumePlace& place, KeyKind kind,
                                                 const Secret& key) const {
    const Result<Locked> locked = find_header(place);
    if (!locked) {
        return locked.error();
    }
    const EncryptionHeader& header = locked->found.header;
    if (!locked->found.not_simple.empty()) {
        return fail(Code::encryption_unsupported,
                    fmt::format("'{}' is not decrypted with one key: {}", place.path,
                                locked->found.not_simple));
    }
    Result<Opened> opened = open_with(*locked, kind, key, Wanted::volume_key);
    if (!opened) {
        return opened.error();
    }
    return VolumeKey{.key = std::move(opened->volume_key),
                     .cipher = header.cipher,
                     .sector_bytes = header.sector_bytes,
                     .payload_offset_bytes = header.payload_offset_bytes,
                     .iv_offset_sectors = locked->found.iv_offset_sectors,
                     .head_bytes = locked->found.head.bytes,
                     .head_offset_bytes = locked->found.head.offset};
}

}  // namespace stillpoint::linux_os
