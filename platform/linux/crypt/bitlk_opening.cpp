// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <libcryptsetup.h>

#include "base/format.h"
#include "platform/linux/crypt/bitlk_recognition.h"
#include "platform/linux/crypt/crypt_device.h"
#include "platform/linux/crypt/opening.h"

namespace stillpoint::linux_os {
namespace {

// A passphrase costs 2^20 rounds for each protector. No volume has more than a few of one kind.
constexpr int kMostTries = 16;

std::uint16_t kind_of(KeyKind kind) {
    switch (kind) {
        case KeyKind::passphrase:
            return BitlkProtector::kPassphrase;
        case KeyKind::recovery_password:
            return BitlkProtector::kRecovery;
        case KeyKind::bek_file:
            break;
    }
    return BitlkProtector::kExternal;
}

/// The volume as if it had this protector only: the others become smart cards, which the library
/// passes over. So it does not try a key of one kind on another, we know which one it opened, and
/// what it cannot understand of the others does not matter.
BitlkVolume with_one(const BitlkVolume& bitlk, std::size_t only) {
    BitlkVolume changed = bitlk;
    for (std::size_t i = 0; i < bitlk.block->protectors.size(); ++i) {
        if (i != only) {
            const std::size_t at = bitlk.block->protectors[i].kind_at;
            changed.block_bytes[at] = '\x00';
            changed.block_bytes[at + 1] = '\x10';
        }
    }
    return changed;
}

/// The library's answer; the key, if there is one, is in `buffer`.
Result<int> try_one(const VolumeReader& volume, const BitlkVolume& bitlk, std::size_t only,
                    const Secret& key, KeyBuffer& buffer, std::size_t& bytes) {
    const Result<HeaderCopy> copy = copy_bitlk(with_one(bitlk, only), volume.size());
    if (!copy) {
        return copy.error();
    }
    CryptDevice device(*copy, volume.path());
    if (!device.load(CRYPT_BITLK)) {
        return fail(Code::header_damaged,
                    fmt::format("cannot load the header of '{}': {}", volume.path(), device.why()));
    }
    const std::string_view text = key.reveal();
    bytes = KeyBuffer::kBytes;
    const int answer = crypt_volume_key_get(device.get(), CRYPT_ANY_SLOT, buffer.data(), &bytes,
                                            text.data(), text.size());
    // These say nothing of the key.
    if (answer == -ENOMEM || answer == -ENOTSUP) {
        return fail(Code::encryption_unsupported,
                    fmt::format("the protectors of '{}' cannot be tried: {}", volume.path(),
                                device.why(answer)));
    }
    return answer;
}

}  // namespace

Result<Opened> open_bitlk(const VolumeReader& volume, KeyKind kind, const Secret& key) {
    const Result<std::optional<BitlkVolume>> read = read_bitlk(volume);
    if (!read) {
        return read.error();
    }
    if (!*read || !(*read)->block || !(*read)->block->has_key) {
        return fail(Code::header_damaged, fmt::format("the header of '{}' changed", volume.path()));
    }
    const BitlkVolume& bitlk = **read;
    const std::optional<std::string> bek =
        kind == KeyKind::bek_file ? bek_protector(key.reveal()) : std::nullopt;
    KeyBuffer buffer;
    std::size_t bytes = 0;
    int tries = 0;
    for (std::size_t i = 0; i < bitlk.block->protectors.size(); ++i) {
        const BitlkProtector& protector = bitlk.block->protectors[i];
        if (protector.kind != kind_of(kind) || !protector.has_key ||
            (kind == KeyKind::bek_file && protector.guid != bek)) {
            continue;
        }
        if (++tries > kMostTries) {
            return fail(
                Code::encryption_unsupported,
                fmt::format("no key is tried on '{}': it has more than {} protectors of one "
                            "kind",
                            volume.path(), kMostTries));
        }
        const Result<int> answer = try_one(volume, bitlk, i, key, buffer, bytes);
        if (!answer) {
            return answer.error();
        }
        if (*answer >= 0) {
            return Opened{static_cast<int>(i), buffer.first(bytes)};
        }
    }
    return fail(Code::key_mismatch,
                fmt::format("the key opens no protector of '{}'", volume.path()));
}

}  // namespace stillpoint::linux_os
