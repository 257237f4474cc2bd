// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "platform/volume_decryptor.h"
#include "platform/volume_probe.h"
#include "tests/fakes/byte_text.h"

namespace stillpoint::testing {

/// Knows what it was told, by the offset that is asked about.
class FakeVolumeProbe : public VolumeProbe {
public:
    std::optional<PartitionTable> table;
    std::map<std::uint64_t, ProbedVolume> volumes;

    Result<std::optional<ProbedVolume>> recognise(const VolumePlace& place) const override {
        const auto found = volumes.find(place.offset_bytes);
        return found == volumes.end() ? std::optional<ProbedVolume>() : found->second;
    }

    Result<std::optional<PartitionTable>> partitions(const VolumePlace&) const override {
        return table;
    }
};

/// "Decrypts" by adding the key's first byte to every byte of the payload.
class FakeVolumeDecryptor : public VolumeDecryptor {
public:
    static std::string encrypt(std::string plain, char key) {
        for (char& byte : plain) {
            byte = static_cast<char>(byte - key);
        }
        return plain;
    }

    bool knows(const std::string& cipher, int) const override {
        return cipher == "aes-xts-plain64";
    }

    Result<std::unique_ptr<ByteSource>> decrypt(const ByteSource& volume, const VolumeKey& key,
                                                int) const override {
        const std::uint64_t begin = key.payload_offset_bytes;
        Result<std::string> bytes =
            volume.read(begin, static_cast<std::size_t>(volume.size() - begin));
        if (!bytes) {
            return bytes.error();
        }
        for (char& byte : *bytes) {
            byte = static_cast<char>(byte + key.key.reveal().at(0));
        }
        return std::unique_ptr<ByteSource>(std::make_unique<ByteText>(std::move(*bytes)));
    }
};

}  // namespace stillpoint::testing
