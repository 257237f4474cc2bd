// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/bitlk_layout.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/format.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/digest.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBlockHeader = 64;
constexpr std::size_t kMetadataHeader = 48;
constexpr std::size_t kEntryHeader = 8;
constexpr std::uint16_t kEncrypted = 4;  // the state in which nothing is under way

/// One item of a list of them: its whole size is its first number.
struct Entry {
    std::uint64_t type = 0;
    std::uint64_t value = 0;
    std::size_t at = 0;     // of its data
    std::size_t bytes = 0;  // of its data
};

/// The entries from `at` on. They end where one says so, or does not fit any more.
std::vector<Entry> entries_of(std::string_view bytes, std::size_t at) {
    std::vector<Entry> entries;
    while (at + kEntryHeader <= bytes.size()) {
        const std::size_t size = little_endian(bytes, at, 2);
        if (size < kEntryHeader || size > bytes.size() - at) {
            break;
        }
        entries.push_back({little_endian(bytes, at + 2, 2), little_endian(bytes, at + 4, 2),
                           at + kEntryHeader, size - kEntryHeader});
        at += size;
    }
    return entries;
}

/// An encrypted key is a nonce, a tag, and behind them the key with 12 bytes of its own.
bool holds_key(const Entry& entry, std::size_t key_bytes) {
    constexpr std::size_t kNonceAndTag = 12 + 16;
    return entry.bytes == kNonceAndTag + 12 + key_bytes;
}

std::string kind_text(std::uint16_t kind) {
    switch (kind) {
        case 0x0000:
            return "clear key";
        case 0x0100:
            return "TPM";
        case BitlkProtector::kExternal:
            return "external key";
        case 0x0500:
            return "TPM and PIN";
        case BitlkProtector::kRecovery:
            return "recovery passphrase";
        case 0x1000:
            return "smart card";
        case BitlkProtector::kPassphrase:
            return "passphrase";
        default:
            return fmt::format("unknown (0x{:04x})", kind);
    }
}

BitlkProtector protector_of(std::string_view block, const Entry& entry) {
    constexpr std::size_t kMasterKeyBytes = 32;
    constexpr std::size_t kData = 28;
    constexpr std::uint64_t kEncryptedKey = 5;
    BitlkProtector protector;
    protector.guid = guid_text(block, entry.at);
    protector.kind_at = entry.at + 26;
    protector.kind = static_cast<std::uint16_t>(little_endian(block, protector.kind_at, 2));
    int keys = 0;
    for (const Entry& property :
         entries_of(block.substr(0, entry.at + entry.bytes), entry.at + kData)) {
        if (property.value == kEncryptedKey) {
            keys += holds_key(property, kMasterKeyBytes) ? 1 : 2;
        }
    }
    protector.has_key = keys == 1;
    return protector;
}

std::string utf16_text(std::string_view bytes) {
    std::string json = "\"";
    for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
        const std::uint64_t unit = little_endian(bytes, at, 2);
        if (unit == 0) {
            break;
        }
        json += fmt::format("\\u{:04x}", unit);
    }
    const nlohmann::json text = nlohmann::json::parse(json + '"', nullptr, false);
    return text.is_string() ? printable(text.get<std::string>()) : std::string();
}

struct Cipher {
    std::uint64_t number;
    std::string_view name;
    int key_bits;
    std::size_t stored_bytes;  // with the diffuser's key, both take the place of 256 bits
};
constexpr std::array<Cipher, 6> kCiphers = {{{0x8000, "aes-cbc-elephant", 256, 64},
                                             {0x8001, "aes-cbc-elephant", 512, 64},
                                             {0x8002, "aes-cbc-eboiv", 128, 16},
                                             {0x8003, "aes-cbc-eboiv", 256, 32},
                                             {0x8004, "aes-xts-plain64", 256, 32},
                                             {0x8005, "aes-xts-plain64", 512, 64}}};

void read_entries(std::string_view metadata, const Cipher* cipher, BitlkBlock& block) {
    constexpr std::uint64_t kProtector = 2;
    constexpr std::uint64_t kVolumeKey = 3;
    constexpr std::uint64_t kDescription = 7;
    constexpr std::uint64_t kBootCopy = 15;
    bool seen_key = false;
    for (const Entry& entry : entries_of(metadata, kBlockHeader + kMetadataHeader)) {
        if (entry.type == kProtector && entry.bytes >= 28) {
            block.protectors.push_back(protector_of(metadata, entry));
            block.header.keyslots.push_back(
                {.number = static_cast<int>(block.header.keyslots.size()),
                 .kind = kind_text(block.protectors.back().kind)});
        } else if (entry.type == kVolumeKey && !seen_key) {
            seen_key = true;
            block.has_key = cipher != nullptr && holds_key(entry, cipher->stored_bytes);
        } else if (entry.type == kDescription && block.header.label.empty()) {
            block.header.label = utf16_text(metadata.substr(entry.at, entry.bytes));
        } else if (entry.type == kBootCopy && entry.bytes >= 16) {
            block.boot_copy_offset = little_endian(metadata, entry.at, 8);
            block.boot_copy_bytes = little_endian(metadata, entry.at + 8, 8);
        }
    }
}

}  // namespace

std::optional<BitlkBoot> parse_bitlk_boot(std::string_view sector) {
    constexpr auto kSignature = "-FVE-FS-"sv;
    constexpr auto kToGoSignature = "MSWIN4.1"sv;  // many FAT volumes have it
    constexpr auto kGuid = "4967d63b-2e29-4ad8-8399-f6a339e3d001"sv;
    constexpr auto kGuidEncryptOnWrite = "92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8"sv;
    if (sector.size() < BitlkBoot::kBytes) {
        return std::nullopt;
    }
    BitlkBoot boot;
    const std::string_view jump = sector.substr(0, 3);
    const std::string_view signature = sector.substr(3, 8);
    if (signature == kSignature && jump == "\xeb\x52\x90"sv) {
        boot.kind = BitlkKind::vista;
        return boot;
    }
    boot.kind = signature == kToGoSignature ? BitlkKind::to_go : BitlkKind::normal;
    const std::size_t guid_at = boot.kind == BitlkKind::to_go ? 424 : 160;
    const std::string guid = guid_text(sector, guid_at);
    const bool known = guid == kGuid || guid == kGuidEncryptOnWrite;
    if (jump != "\xeb\x58\x90"sv || (signature != kSignature && signature != kToGoSignature) ||
        (boot.kind == BitlkKind::to_go && !known)) {
        return std::nullopt;
    }
    boot.encrypt_on_write = guid == kGuidEncryptOnWrite;
    const int sector_bytes = static_cast<int>(little_endian(sector, 11, 2));
    boot.sector_bytes = sector_bytes == 0 ? 512 : sector_bytes;
    boot.offsets_at = guid_at + 16;
    for (std::size_t i = 0; i < boot.metadata_offsets.size(); ++i) {
        boot.metadata_offsets.at(i) = little_endian(sector, boot.offsets_at + 8 * i, 8);
    }
    return boot;
}

std::optional<BitlkBlock> parse_bitlk_block(std::string_view bytes) {
    constexpr std::size_t kChecksum = 8;
    const std::size_t used = 16 * little_endian(bytes, 8, 2);
    const std::uint64_t metadata_bytes = little_endian(bytes, 64, 4);
    if (!bytes.starts_with("-FVE-FS-"sv) || little_endian(bytes, 10, 2) != 2 ||
        used < kBlockHeader + kMetadataHeader || used + kChecksum > bytes.size() ||
        metadata_bytes < kMetadataHeader || metadata_bytes > used - kBlockHeader) {
        return std::nullopt;
    }
    if (crc32_of(bytes.substr(0, used)) != little_endian(bytes, used + 4, 4)) {
        return std::nullopt;
    }
    BitlkBlock block;
    block.used_bytes = used;
    const std::uint64_t number = little_endian(bytes, 100, 2);
    const auto* const cipher = std::ranges::find(kCiphers, number, &Cipher::number);
    block.known_cipher = cipher != kCiphers.end();
    EncryptionHeader& header = block.header;
    header.format = EncryptionFormat::bitlk;
    header.uuid = guid_text(bytes, 80);
    header.cipher =
        block.known_cipher ? std::string(cipher->name) : fmt::format("0x{:04x}", number);
    header.key_bits = block.known_cipher ? cipher->key_bits : 0;
    header.reencrypting =
        little_endian(bytes, 12, 2) != kEncrypted || little_endian(bytes, 14, 2) != kEncrypted;
    header.digests.header = sha256_text(bytes.substr(0, used));
    read_entries(bytes.substr(0, kBlockHeader + metadata_bytes),
                 block.known_cipher ? cipher : nullptr, block);
    return block;
}

std::optional<std::string> bek_protector(std::string_view file) {
    // A metadata header, one entry for the key, and in it, behind 24 bytes, its properties.
    constexpr std::uint64_t kStartupKey = 6;
    constexpr std::uint64_t kExternalKey = 9;
    constexpr std::uint64_t kKey = 1;
    constexpr std::size_t kKeyBytes = 4 + 32;  // behind the number of its cipher
    const std::vector<Entry> entries = entries_of(file, kMetadataHeader);
    if (little_endian(file, 0, 4) != file.size() || entries.empty() ||
        entries.front().type != kStartupKey || entries.front().value != kExternalKey ||
        entries.front().bytes < 24) {
        return std::nullopt;
    }
    const std::vector<Entry> properties = entries_of(file, entries.front().at + 24);
    const auto key = std::ranges::find(properties, kKey, &Entry::value);
    if (key == properties.end() || key->bytes != kKeyBytes) {
        return std::nullopt;
    }
    return guid_text(file, 16);
}

}  // namespace stillpoint::linux_os
