// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/encryption_headers.h"

namespace stillpoint::linux_os {

/// Headers as we read them ourselves, judged and opened by libcryptsetup, which sees only copies in
/// memory (docs/adr/0009-headers-are-copied.md).
class LinuxEncryptionHeaders final : public EncryptionHeaders {
public:
    Result<std::optional<EncryptionHeader>> read(const VolumePlace& place) const override;
    Result<int> try_key(const VolumePlace& place, KeyKind kind, const Secret& key) const override;
    Result<VolumeKey> unlock(const VolumePlace& place, KeyKind kind,
                             const Secret& key) const override;
};

}  // namespace stillpoint::linux_os
