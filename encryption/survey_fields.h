// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/json_record.h"
#include "encryption/survey.h"

namespace stillpoint {

// The survey's structs as JSON. Included by .cpp files only.

inline auto names_of(EncryptionFormat) {
    using enum EncryptionFormat;
    return std::to_array<std::pair<EncryptionFormat, const char*>>({{luks1, "luks1"},
                                                                    {luks2, "luks2"},
                                                                    {bitlk, "bitlk"},
                                                                    {integrity, "integrity"},
                                                                    {plain, "plain"}});
}

inline auto names_of(HeaderState) {
    using enum HeaderState;
    return std::to_array<std::pair<HeaderState, const char*>>(
        {{sound, "sound"},
         {one_copy_damaged, "one copy damaged"},
         {damaged, "damaged"},
         {not_understood, "not understood"}});
}

constexpr HeaderState unknown_of(HeaderState) {
    return HeaderState::not_understood;
}

inline auto names_of(AdeGeneration) {
    using enum AdeGeneration;
    return std::to_array<std::pair<AdeGeneration, const char*>>({{none, "none"},
                                                                 {dual_pass, "dual pass"},
                                                                 {single_pass, "single pass"},
                                                                 {unknown, "unknown"}});
}

constexpr AdeGeneration unknown_of(AdeGeneration) {
    return AdeGeneration::unknown;
}

template <class Fields>
void describe(Fields& fields, Like<Keyslot> auto& one) {
    fields.need("number", one.number);
    fields("kind", one.kind);
    fields("bound", one.bound);
}

template <class Fields>
void describe(Fields& fields, Like<KeyToken> auto& one) {
    fields.need("number", one.number);
    fields("type", one.type);
    fields("keyslots", one.keyslots);
}

template <class Fields>
void describe(Fields& fields, Like<HeaderDigests> auto& one) {
    fields("header", one.header);
    fields("keyslots", one.keyslots);
}

template <class Fields>
void describe(Fields& fields, Like<EncryptionHeader> auto& one) {
    fields.need("format", one.format);
    fields.need("state", one.state);
    fields("problem", one.problem);
    fields("uuid", one.uuid);
    fields("label", one.label);
    fields("cipher", one.cipher);
    fields("key_bits", one.key_bits);
    fields("sector_bytes", one.sector_bytes);
    fields("payload_offset_bytes", one.payload_offset_bytes);
    fields("keyslots", one.keyslots);
    fields("tokens", one.tokens);
    fields("reencrypting", one.reencrypting);
    fields("sha256", one.digests);
}

template <class Fields>
void describe(Fields& fields, Like<EncryptedMount> auto& one) {
    fields.need("mount_point", one.mount_point);
    fields("type", one.type);
    fields("uuid", one.uuid);
    fields("source", one.source);
}

template <class Fields>
void describe(Fields& fields, Like<KeyUrls> auto& one) {
    fields("secret", one.secret);
    fields("key_encryption", one.key_encryption);
    fields("vault", one.vault);
}

template <class Fields>
void describe(Fields& fields, Like<EncryptedVolume> auto& one) {
    fields.need("device", one.device);
    fields("device_path", one.device_path);
    fields("disks", one.disks);
    fields("luns", one.luns);
    fields("bytes", one.size_bytes);
    fields("mapper", one.mapper);
    fields("open", one.open);
    fields("header_file", one.header_file);
    fields("header_disks", one.header_disks);
    fields.need("header", one.header);
    fields("stacking", one.stacking);
    fields("volume_groups", one.volume_groups);
    fields("mounts", one.mounts);
    fields("key_file", one.key_file);
    fields("key_file_present", one.key_file_present);
    fields("of_azure", one.of_azure);
    fields("bound_to_machine", one.bound_to_machine);
    fields("keys", one.keys);
}

template <class Fields>
void describe(Fields& fields, Like<AdeFacts> auto& one) {
    fields("generation", one.generation);
    fields("bek_device", one.bek_device);
    fields("bek_mount_point", one.bek_mount_point);
    fields("key_files", one.key_files);
    fields("volume_type", one.volume_type);
    fields("secret_sequence", one.secret_sequence);
    fields("extension_version", one.extension_version);
}

template <class Fields>
void describe(Fields& fields, Like<CrypttabEntry> auto& one) {
    fields.need("name", one.name);
    fields.need("device", one.device);
    fields("key_file", one.key_file);
    fields("options", one.options);
}

template <class Fields>
void describe(Fields& fields, Like<FstabEntry> auto& one) {
    fields.need("source", one.source);
    fields.need("mount_point", one.mount_point);
    fields("type", one.type);
    fields("options", one.options);
    fields("dump", one.dump);
    fields("pass", one.pass);
}

template <class Fields>
void describe(Fields& fields, Like<AzureCryptMountEntry> auto& one) {
    fields.need("name", one.name);
    fields.need("device", one.device);
    fields("header_file", one.header_file);
    fields("mount_point", one.mount_point);
    fields("type", one.type);
    fields("cleartext_key", one.cleartext_key);
    fields("keyslot", one.keyslot);
}

template <class Fields>
void describe(Fields& fields, Like<EncryptionSurvey> auto& one) {
    fields("volumes", one.volumes);
    fields("ade", one.ade);
    fields("vfat_available", one.vfat_available);
    fields("vfat_problem", one.vfat_problem);
    fields("crypttab", one.crypttab);
    fields("fstab", one.fstab);
    fields("azure_crypt_mount", one.azure_crypt_mount);
    fields("notes", one.notes);
    fields("gaps", one.gaps);
}

}  // namespace stillpoint
