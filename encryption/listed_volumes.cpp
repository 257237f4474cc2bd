// SPDX-License-Identifier: Apache-2.0
#include "encryption/listed_volumes.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "encryption/table_secrets.h"

namespace stillpoint {
namespace {

ListedVolume listed(const CrypttabEntry& line, const std::vector<FoundFile>& key_files) {
    const CrypttabEntry entry = without_secrets(line, key_files);
    const auto has = [&](std::string_view option) { return has_option(entry.options, option); };
    // A key made up at each start, the options that take one, and those that a header would say
    // mean no header. Source: crypttab(5) of Debian, "cipher", "hash".
    const bool plain = has("plain") || has("swap") || has("tmp") ||
                       entry.key_file == "/dev/urandom" || entry.key_file == "/dev/random" ||
                       (!has("luks") && !has("header") && (has("cipher") || has("hash")));
    return {.name = entry.name,
            .device = entry.device,
            .header_file = option_of(entry.options, "header"),
            .key_file = entry.key_file,
            .plain = plain,
            .tcrypt = has("tcrypt") || has("tcrypt-hidden") || has("tcrypt-system") ||
                      has("tcrypt-veracrypt"),
            .cipher = option_of(entry.options, "cipher"),
            .key_bits = number_option(entry.options, "size").value_or(0),
            .of_azure = is_of_azure(entry),
            .cleartext_key = entry.key_file.find("cleartext_key") != std::string::npos};
}

ListedVolume listed(const AzureCryptMountEntry& entry) {
    return {.name = entry.name,
            .device = entry.device,
            .header_file = entry.header_file,
            .key_file = "",
            .plain = false,
            .tcrypt = false,
            .cipher = "",
            .key_bits = 0,
            .of_azure = true,
            .cleartext_key = entry.cleartext_key};
}

}  // namespace

std::vector<ListedVolume> EncryptionTables::volumes() const {
    std::vector<ListedVolume> found;
    std::map<std::string, std::size_t> position;  // by name: a table may be long
    const auto add = [&](ListedVolume one) {
        const auto [known, is_new] = position.emplace(one.name, found.size());
        if (is_new) {
            found.push_back(std::move(one));
        } else if (found[known->second].key_file.empty()) {
            found[known->second].key_file = one.key_file;
        }
    };
    const auto add_azure = [&] {
        for (const AzureCryptMountEntry& entry : azure_crypt_mount.entries()) {
            add(listed(entry));
        }
    };
    if (rules(azure_crypt_mount)) {
        add_azure();
    }
    for (const CrypttabEntry& entry : crypttab.entries()) {
        add(listed(entry, key_files));
    }
    add_azure();
    return found;
}

EncryptionTables read_tables(const EncryptionSources& sources) {
    return {parse_crypttab(sources.crypttab.value_or("")), parse_fstab(sources.fstab.value_or("")),
            parse_azure_crypt_mount(sources.azure_crypt_mount.value_or("")), sources.named_keys};
}

EncryptionSources gather_sources(const EncryptionSourceReader& reader, const Inventory& inventory) {
    EncryptionSources sources = reader.read(inventory);
    std::vector<std::string> headers;
    std::vector<std::string> keys;
    const EncryptionTables tables = read_tables(sources);
    for (const ListedVolume& volume : tables.volumes()) {
        if (volume.header_file.starts_with('/')) {
            headers.push_back(volume.header_file);
        }
    }
    // Of the lines themselves: volumes() leaves out what is not known to be a file yet.
    for (const CrypttabEntry& entry : tables.crypttab.entries()) {
        if (entry.key_file.starts_with('/')) {
            keys.push_back(entry.key_file);
        }
    }
    // Whatever a table says, what is a key for one volume is never opened as another's header.
    const std::set<std::string> is_key(keys.begin(), keys.end());
    std::erase_if(headers, [&](const std::string& path) { return is_key.contains(path); });
    sources.named_headers = reader.find(inventory, headers);
    sources.named_keys = reader.find(inventory, keys);
    return sources;
}

std::vector<CrypttabEntry> recorded_crypttab(const EncryptionTables& tables) {
    std::vector<CrypttabEntry> entries;
    for (CrypttabEntry& entry : tables.crypttab.entries()) {
        entries.push_back(without_secrets(std::move(entry), tables.key_files));
    }
    return entries;
}

std::vector<FstabEntry> recorded_fstab(const EncryptionTables& tables) {
    constexpr std::array<std::string_view, 5> kLocal = {
        "/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="};
    std::vector<FstabEntry> entries;
    for (FstabEntry& entry : tables.fstab.entries()) {
        if (std::ranges::any_of(
                kLocal, [&](std::string_view begin) { return entry.source.starts_with(begin); })) {
            entries.push_back(without_secrets(std::move(entry)));
        }
    }
    return entries;
}

}  // namespace stillpoint
