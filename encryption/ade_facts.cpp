// SPDX-License-Identifier: Apache-2.0
#include "encryption/ade_facts.h"

#include <algorithm>
#include <charconv>

namespace stillpoint {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    return begin == std::string_view::npos
               ? std::string_view()
               : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// A key's value in azure_crypt_config.ini, wherever it stands: "volumetype = Data".
std::string ini_value(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t sign = line.find_first_of("=:");
        if (sign != std::string_view::npos && trimmed(line.substr(0, sign)) == key) {
            return std::string(trimmed(line.substr(sign + 1)));
        }
    }
    return "";
}

int next_number(std::string_view& version) {
    int number = 0;
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), number);
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    version.remove_prefix(version.empty() ? 0 : 1);
    return error == std::errc() ? number : 0;
}

}  // namespace

bool is_key_file_name(std::string_view name) {
    return name.find("LinuxPassPhraseFileName") != std::string_view::npos;
}

bool is_older_version(std::string_view left, std::string_view right) {
    while (!left.empty() || !right.empty()) {
        const int one = next_number(left);
        const int other = next_number(right);
        if (one != other) {
            return one < other;
        }
    }
    return false;
}

AdeFacts ade_facts(const EncryptionSources& sources, const std::vector<CrypttabEntry>& crypttab) {
    AdeFacts facts;
    facts.bek_device = sources.bek_device;
    facts.bek_mount_point = sources.bek_mount_point;
    for (const std::vector<std::string>* names :
         {&sources.bek_names, &sources.azure_config_names}) {
        std::ranges::copy_if(*names, std::back_inserter(facts.key_files),
                             [](std::string_view name) {
                                 return is_key_file_name(name) || name.starts_with(kCleartextKey);
                             });
    }
    if (sources.azure_crypt_config) {
        facts.volume_type = ini_value(*sources.azure_crypt_config, "volumetype");
        facts.secret_sequence = ini_value(*sources.azure_crypt_config, "secretseqnum");
    }
    for (const std::string& version : sources.ade_versions) {
        if (facts.extension_version.empty() || is_older_version(facts.extension_version, version)) {
            facts.extension_version = version;
        }
    }
    if (facts.extension_version.starts_with("0.")) {
        facts.generation = AdeGeneration::dual_pass;
    } else if (facts.extension_version.starts_with("1.")) {
        facts.generation = AdeGeneration::single_pass;
    } else if (!facts.extension_version.empty() || !facts.bek_device.empty() ||
               !sources.azure_config_names.empty() || std::ranges::any_of(crypttab, is_of_azure)) {
        facts.generation = AdeGeneration::unknown;
    }
    return facts;
}

}  // namespace stillpoint
