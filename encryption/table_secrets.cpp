// SPDX-License-Identifier: Apache-2.0
#include "encryption/table_secrets.h"

#include <algorithm>
#include <array>

#include "encryption/ade_facts.h"

namespace stillpoint {
namespace {

constexpr std::string_view kPin = "pin-value=";

/// PKCS#11 URIs may carry a PIN: "pkcs11:token=x?pin-value=1234". What follows goes with it: where
/// an unencoded PIN ends cannot be told. Source: RFC 7512.
std::string without_pin(std::string_view text) {
    const std::size_t at = text.find(kPin);
    return std::string(at == std::string_view::npos ? text : text.substr(0, at + kPin.size()));
}

/// A script that makes the key gets the field as its argument: it may be the passphrase itself, one
/// that begins with a slash too. Source: crypttab(5) of Debian, "keyscript".
bool may_be_a_key(const CrypttabEntry& entry, const std::vector<FoundFile>& key_files) {
    return has_option(entry.options, "keyscript") && !is_key_file_name(entry.key_file) &&
           std::ranges::find(key_files, entry.key_file, &FoundFile::path) == key_files.end();
}

/// Source: mount.cifs(8), mount.ecryptfs(8).
bool is_password(std::string_view option) {
    constexpr std::array<std::string_view, 6> kNames = {
        "pass", "passwd", "password", "password2", "passphrase", "passphrase_passwd"};
    return std::ranges::find(kNames, option) != kNames.end();
}

bool is_secret(std::string_view option) {
    return is_password(option.substr(0, option.find('='))) ||
           option.find(kPin) != std::string_view::npos;
}

/// The end of a secret option that begins at `at`: a comma after a backslash or in quotation marks
/// is a part of the value.
std::size_t end_of_secret(std::string_view options, std::size_t at) {
    bool quoted = false;
    for (; at < options.size() && (quoted || options[at] != ','); ++at) {
        if (options[at] == '\\') {
            ++at;
        } else if (options[at] == '"') {
            quoted = !quoted;
        }
    }
    return std::min(at, options.size());
}

std::string option_without_secret(std::string_view option) {
    const std::string_view name = option.substr(0, option.find('='));
    std::string safe = is_password(name) ? std::string(name) : without_pin(option);
    std::erase(safe, '"');  // the closing one went
    return safe;
}

std::string options_without_secrets(std::string_view options) {
    std::string safe;
    for (std::size_t at = 0; at < options.size();) {
        // Only a secret reaches beyond a comma, else a mark that is never closed would hide one.
        std::size_t end = std::min(options.find(',', at), options.size());
        const bool secret = is_secret(options.substr(at, end - at));
        end = secret ? end_of_secret(options, at) : end;
        const std::string_view option = options.substr(at, end - at);
        safe += secret ? option_without_secret(option) : std::string(option);
        safe += end < options.size() ? "," : "";
        at = end + 1;
    }
    return safe;
}

}  // namespace

CrypttabEntry without_secrets(CrypttabEntry entry, const std::vector<FoundFile>& key_files) {
    entry.key_file = may_be_a_key(entry, key_files) ? "" : without_pin(entry.key_file);
    entry.options = options_without_secrets(entry.options);
    return entry;
}

FstabEntry without_secrets(FstabEntry entry) {
    entry.options = options_without_secrets(entry.options);
    return entry;
}

}  // namespace stillpoint
