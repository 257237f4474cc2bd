// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace stillpoint {

/// What lies at the beginning of an encrypted volume. `plain` has no header: it is known only while
/// it is open, or by crypttab.
enum class EncryptionFormat { luks1, luks2, bitlk, integrity, plain };

enum class HeaderState {
    sound,
    one_copy_damaged,  // LUKS2, BITLK: another copy is valid, and is the one described
    damaged,           // recognised, but nothing opens it
    not_understood,  // recognised, but this build cannot load it: a hash or cipher it does not know
};

/// One place for a key in a header: counts and kinds, never material.
struct Keyslot {
    int number = 0;
    /// LUKS: the key derivation, "pbkdf2", "argon2i", "argon2id". BITLK: what protects it,
    /// "passphrase", "recovery passphrase", "external key", "TPM", "clear key", ...
    std::string kind;
    bool bound = true;  // it opens the volume; LUKS2 knows slots that do not

    bool operator==(const Keyslot&) const = default;
};

/// LUKS2: how a key can be had without a passphrase: "systemd-tpm2", "clevis",
/// "Azure_Disk_Encryption", ...
struct KeyToken {
    int number = 0;
    std::string type;
    std::vector<int> keyslots;

    bool operator==(const KeyToken&) const = default;
};

/// SHA-256 in lower-case hexadecimal; empty where there is no valid copy.
struct HeaderDigests {
    /// LUKS2: the valid copy's binary header and JSON area; LUKS1: its first 592 bytes; BITLK: the
    /// valid metadata block.
    std::string header;
    /// LUKS: the areas of all keyslots in use, in the order of their numbers; else empty.
    std::string keyslots;

    bool operator==(const HeaderDigests&) const = default;
};

struct EncryptionHeader {
    EncryptionFormat format = EncryptionFormat::luks2;
    HeaderState state = HeaderState::sound;
    std::string problem;  // a sentence, for every state but sound
    std::string uuid;
    std::string label;
    std::string cipher;  // "aes-xts-plain64"
    int key_bits = 0;
    int sector_bytes = 512;
    std::uint64_t payload_offset_bytes = 0;  // on the data device
    std::vector<Keyslot> keyslots;           // those in use
    std::vector<KeyToken> tokens;
    bool reencrypting = false;  // begun and not ended: LUKS2, BITLK while it encrypts
    HeaderDigests digests;

    bool operator==(const EncryptionHeader&) const = default;
};

/// A stretch of a device or file that is looked at as a volume of its own.
struct VolumePlace {
    std::string path;
    std::uint64_t offset_bytes = 0;
    std::uint64_t size_bytes = 0;  // 0: to the end

    bool operator==(const VolumePlace&) const = default;
};

enum class KeyKind {
    passphrase,         // also the bytes of a key file, as they are
    recovery_password,  // BITLK: 48 digits in eight groups
    bek_file,           // BITLK: the bytes of a .BEK file
};

/// What decrypts a volume in user space.
struct VolumeKey {
    Secret key;
    std::string cipher;  // "aes-xts-plain64"
    int sector_bytes = 512;
    std::uint64_t payload_offset_bytes = 0;
    std::uint64_t iv_offset_sectors = 0;  // of 512 bytes
    /// BITLK: the volume's first `head_bytes` bytes lie at `head_offset_bytes`, encrypted with the
    /// numbers of the sectors there.
    std::uint64_t head_bytes = 0;
    std::uint64_t head_offset_bytes = 0;
};

/// Reads encryption headers. Whatever happens, not one byte of the volume is written: the backend
/// works on a copy in memory.
class EncryptionHeaders {
public:
    virtual ~EncryptionHeaders() = default;

    /// No value: nothing there that says that it is encrypted. A header that is recognised and
    /// broken is a value, with its state. Never derives a key.
    /// Errors: volume_unreadable (os: why).
    virtual Result<std::optional<EncryptionHeader>> read(const VolumePlace& place) const = 0;

    /// The keyslot that `key` opens. Derives keys, so it takes seconds and up to a gigabyte: never
    /// in a backup. Nothing is activated.
    /// Errors: volume_unreadable, header_damaged, key_mismatch, encryption_unsupported.
    virtual Result<int> try_key(const VolumePlace& place, KeyKind kind,
                                const Secret& key) const = 0;

    /// As try_key, and gives what decrypts the volume.
    virtual Result<VolumeKey> unlock(const VolumePlace& place, KeyKind kind,
                                     const Secret& key) const = 0;
};

}  // namespace stillpoint
