// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "platform/encryption_headers.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/key_cost.h"
#include "platform/linux/crypt/volume_reader.h"

namespace stillpoint::linux_os {

/// A header, and what else it takes to use it.
struct RecognisedHeader {
    EncryptionHeader header;
    /// What libcryptsetup loads; empty when it would not.
    std::vector<Stretch> header_areas;
    std::vector<Stretch> key_areas;  // of the keyslots in use
    std::vector<KeyCost> key_costs;  // LUKS; the others' are fixed
    std::uint64_t iv_offset_sectors = 0;
    Stretch head;  // BITLK: where the volume's first bytes lie
    /// Empty, or what keeps the volume from being decrypted with one key from its payload's offset
    /// to its end, as a clause.
    std::string not_simple;
};

/// No value: nothing of the kind. Errors: volume_unreadable.
using Recognition = Result<std::optional<RecognisedHeader>>;

Recognition recognise_luks1(const VolumeReader& volume);
Recognition recognise_luks2(const VolumeReader& volume);
Recognition recognise_bitlk(const VolumeReader& volume);
Recognition recognise_integrity(const VolumeReader& volume);
/// LUKS of a version that is newer than we are, or cut off within its header.
Recognition recognise_other_luks(const VolumeReader& volume);

/// The first of them.
Recognition recognise(const VolumeReader& volume);

/// SHA-256 over stretches, one after the other. Errors: volume_unreadable.
Result<std::string> digest_of(const VolumeReader& volume, const std::vector<Stretch>& stretches);

}  // namespace stillpoint::linux_os
