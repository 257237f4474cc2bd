// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <libcryptsetup.h>

#include "base/format.h"
#include "platform/linux/crypt/cipher_support.h"
#include "platform/linux/crypt/crypt_device.h"
#include "platform/linux/crypt/opening.h"

namespace stillpoint::linux_os {

Error refusal(const std::string& path, int answer, const std::string& why, bool complained) {
    // Where a cipher is not here it says so, and answers like one that has no keyslot to try.
    if (answer == -EPERM || (answer == -ENOENT && !complained)) {
        return fail(Code::key_mismatch, fmt::format("the key opens no keyslot of '{}'", path));
    }
    if (answer == -EIO) {
        return fail(Code::header_damaged, fmt::format("the keyslots of '{}': {}", path, why));
    }
    return fail(Code::encryption_unsupported,
                fmt::format("the keyslots of '{}' cannot be tried: {}", path, why));
}

Result<Opened> open_luks(const VolumeReader& volume, const RecognisedHeader& found,
                         const Secret& key, Wanted wanted) {
    const bool luks1 = found.header.format == EncryptionFormat::luks1;
    // Where it cannot decrypt by itself, the library would set up a device for LUKS1.
    if (luks1 && !decrypts_in_user_space(found.header.cipher, found.header.key_bits)) {
        return fail(Code::encryption_unsupported,
                    fmt::format("the keyslots of '{}' cannot be tried: no cipher '{}' here",
                                volume.path(), found.header.cipher));
    }
    Result<HeaderCopy> copy = HeaderCopy::make(volume.size());
    if (!copy) {
        return copy.error();
    }
    Result<void> put = copy->put_from(volume, found.header_areas);
    if (put) {
        put = copy->put_from(volume, found.key_areas);
    }
    if (!put) {
        return put.error();
    }
    CryptDevice device(*copy, volume.path());
    if (!device.load(luks1 ? CRYPT_LUKS1 : CRYPT_LUKS2)) {
        return fail(Code::header_damaged,
                    fmt::format("cannot load the header of '{}': {}", volume.path(), device.why()));
    }
    const std::string_view text = key.reveal();
    KeyBuffer buffer;
    std::size_t bytes = KeyBuffer::kBytes;
    const int slot = wanted == Wanted::keyslot
                         ? crypt_activate_by_passphrase(device.get(), nullptr, CRYPT_ANY_SLOT,
                                                        text.data(), text.size(), 0)
                         : crypt_volume_key_get(device.get(), CRYPT_ANY_SLOT, buffer.data(), &bytes,
                                                text.data(), text.size());
    if (slot < 0) {
        return refusal(volume.path(), slot, device.why(slot), device.complained());
    }
    return Opened{slot, wanted == Wanted::volume_key ? buffer.first(bytes) : Secret()};
}

}  // namespace stillpoint::linux_os
