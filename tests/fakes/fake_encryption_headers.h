// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "platform/encryption_headers.h"

namespace stillpoint::testing {

/// Volumes by the path and offset they are asked for with; keys are compared as they are. Nothing
/// is read.
class FakeEncryptionHeaders : public EncryptionHeaders {
public:
    struct Volume {
        EncryptionHeader header;
        std::map<std::string, int> keyslots;  // the key, and what it opens
        std::string volume_key;
    };

    static std::string name_of(const VolumePlace& place) {
        return place.path + "@" + std::to_string(place.offset_bytes);
    }

    std::map<std::string, Volume> volumes;  // by name_of()
    std::map<std::string, Error> failures;  // of read()
    mutable int derivations = 0;

    Result<std::optional<EncryptionHeader>> read(const VolumePlace& place) const override {
        if (const auto failed = failures.find(name_of(place)); failed != failures.end()) {
            return failed->second;
        }
        const auto found = volumes.find(name_of(place));
        return found == volumes.end() ? std::optional<EncryptionHeader>() : found->second.header;
    }

    Result<int> try_key(const VolumePlace& place, KeyKind, const Secret& key) const override {
        ++derivations;
        const Volume& volume = volumes.at(name_of(place));
        if (volume.header.state == HeaderState::not_understood) {
            return fail(Code::encryption_unsupported, "this build does not know it");
        }
        const auto slot = volume.keyslots.find(std::string(key.reveal()));
        if (slot == volume.keyslots.end()) {
            return fail(Code::key_mismatch, "no keyslot is opened by the key");
        }
        return slot->second;
    }

    Result<VolumeKey> unlock(const VolumePlace& place, KeyKind kind,
                             const Secret& key) const override {
        const Result<int> slot = try_key(place, kind, key);
        if (!slot) {
            return slot.error();
        }
        const Volume& volume = volumes.at(name_of(place));
        return VolumeKey{.key = Secret(std::string(volume.volume_key)),
                         .cipher = volume.header.cipher,
                         .sector_bytes = volume.header.sector_bytes,
                         .payload_offset_bytes = volume.header.payload_offset_bytes,
                         .iv_offset_sectors = 0};
    }
};

}  // namespace stillpoint::testing
