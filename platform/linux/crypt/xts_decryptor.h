// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/volume_decryptor.h"

namespace stillpoint::linux_os {

/// aes-xts-plain64 with keys of 256 and 512 bits, by OpenSSL.
class XtsDecryptor : public VolumeDecryptor {
public:
    bool knows(const std::string& cipher, int sector_bytes) const override;
    Result<std::unique_ptr<ByteSource>> decrypt(const ByteSource& volume, const VolumeKey& key,
                                                int iv_unit_bytes) const override;
};

}  // namespace stillpoint::linux_os
