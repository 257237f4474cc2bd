// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "platform/byte_source.h"
#include "platform/encryption_headers.h"

namespace stillpoint {

/// Decrypts in user space, without a mapping.
class VolumeDecryptor {
public:
    virtual ~VolumeDecryptor() = default;

    /// Whether it knows this cipher. Asked before a key is derived for nothing.
    virtual bool knows(const std::string& cipher, int sector_bytes) const = 0;

    /// The plaintext from `key.payload_offset_bytes` on to the end of `volume`, which must outlive
    /// it. `iv_unit_bytes` is what sectors are counted in for the initialisation vector: 512, or
    /// the sector's own size. Errors: encryption_unsupported.
    virtual Result<std::unique_ptr<ByteSource>> decrypt(const ByteSource& volume,
                                                        const VolumeKey& key,
                                                        int iv_unit_bytes) const = 0;
};

}  // namespace stillpoint
