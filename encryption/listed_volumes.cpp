// SPDX-License-Identifier: Apache-2.0
#include "encryption/listed_volumes.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "encryption/table_secrets.h"

namespace stillpoint {
namespace {

ListedVolume listed(const CrypttabEntry& line) {
    const CrypttabEntry entry = without_secrets(line);
    // A key made up at each start, and the options that take one, mean no header.
    const bool plain = has_option(entry.options, "plain") || has_option(entry.options, "swap") ||
                       has_option(entry.options, "tmp") || entry.key_file == "/dev/urandom" ||
                       entry.key_file == "/dev/random";
    return {.name = entry.name,
            .device = entry.device,
            .header_file = option_of(entry.options, "header"),
            .key_file = entry.key_file,
            .plain = plain,
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
        add(listed(entry));
    }
    add_azure();
    return found;
}

EncryptionTables read_tables(const EncryptionSources& sources) {
    return {parse_crypttab(sources.crypttab.value_or("")), parse_fstab(sources.fstab.value_or("")),
            parse_azure_crypt_mount(sources.azure_crypt_mount.value_or(""))};
}

EncryptionSources gather_sources(const EncryptionSourceReader& reader, const Inventory& inventory) {
    EncryptionSources sources = reader.read(inventory);
    std::vector<std::string> headers;
    std::vector<std::string> keys;
    for (const ListedVolume& volume : read_tables(sources).volumes()) {
        if (volume.header_file.starts_with('/')) {
            headers.push_back(volume.header_file);
        }
        if (volume.key_file.starts_with('/')) {
            keys.push_back(volume.key_file);
        }
    }
    // Whatever a table says, what is a key for one volume is never opened as another's header.
    const std::set<std::string> is_key(keys.begin(), keys.end());
    std::erase_if(headers, [&](const std::string& path) { return is_key.contains(path); });
    sources.named_headers = reader.find(inventory, headers);
    sources.named_keys = reader.find(inventory, keys);
    return sources;
}

std::vector<CrypttabEntry> recorded(const Table<CrypttabEntry>& table) {
    std::vector<CrypttabEntry> entries;
    for (CrypttabEntry& entry : table.entries()) {
        entries.push_back(without_secrets(std::move(entry)));
    }
    return entries;
}

std::vector<FstabEntry> recorded(const Table<FstabEntry>& table) {
    constexpr std::array<std::string_view, 5> kLocal = {
        "/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="};
    std::vector<FstabEntry> entries;
    for (FstabEntry& entry : table.entries()) {
        if (std::ranges::any_of(
                kLocal, [&](std::string_view begin) { return entry.source.starts_with(begin); })) {
            entries.push_back(without_secrets(std::move(entry)));
        }
    }
    return entries;
}

}  // namespace stillpoint
