// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "platform/encryption_headers.h"
#include "platform/linux/crypt/recognised.h"

namespace stillpoint::linux_os {

/// A keyslot that a key opened, and what was in it.
struct Opened {
    int keyslot = 0;
    Secret volume_key;  // empty when only tried
};

enum class Wanted { keyslot, volume_key };

/// Errors: volume_unreadable, key_mismatch, encryption_unsupported, header_damaged.
Result<Opened> open_luks(const VolumeReader& volume, const RecognisedHeader& found,
                         const Secret& key, Wanted wanted);
Result<Opened> open_bitlk(const VolumeReader& volume, KeyKind kind, const Secret& key);

/// A buffer for a volume key, wiped whatever happens.
class KeyBuffer {
public:
    static constexpr std::size_t kBytes = 64U << 10;  // why_too_costly() refuses longer ones

    KeyBuffer() : bytes_(kBytes, '\0') {}
    KeyBuffer(const KeyBuffer&) = delete;
    KeyBuffer& operator=(const KeyBuffer&) = delete;
    ~KeyBuffer() { wipe(bytes_); }

    char* data() { return bytes_.data(); }
    Secret first(std::size_t bytes) const { return Secret(bytes_.substr(0, bytes)); }

private:
    std::string bytes_;
};

/// What a negative answer of libcryptsetup to a key means; `complained`: it said why.
Error refusal(const std::string& path, int answer, const std::string& why, bool complained);

}  // namespace stillpoint::linux_os
