// SPDX-License-Identifier: Apache-2.0
#include "encryption/table_secrets.h"

#include <algorithm>
#include <array>

namespace stillpoint {
namespace {

/// PKCS#11 URIs may carry a PIN: "pkcs11-uri=pkcs11:token=x;pin-value=1234". Source: RFC 7512.
std::string without_pin(std::string text) {
    constexpr std::string_view kPin = "pin-value=";
    for (std::size_t at = text.find(kPin); at != std::string::npos; at = text.find(kPin, at)) {
        at += kPin.size();
        const std::size_t end = std::min(text.find_first_of(";&?,", at), text.size());
        text.replace(at, end - at, "");
    }
    return text;
}

/// A script that makes the key gets the field as its argument: it may be the passphrase itself.
/// Source: crypttab(5) of Debian, "keyscript".
bool may_be_a_key(const CrypttabEntry& entry) {
    return has_option(entry.options, "keyscript") && !entry.key_file.starts_with('/');
}

/// Source: mount.cifs(8), mount.ecryptfs(8).
bool is_password(std::string_view option) {
    constexpr std::array<std::string_view, 6> kNames = {
        "pass", "passwd", "password", "password2", "passphrase", "passphrase_passwd"};
    return std::ranges::find(kNames, option) != kNames.end();
}

std::string without_passwords(std::string options) {
    for (std::size_t at = 0; at < options.size();) {
        std::size_t end = std::min(options.find(',', at), options.size());
        const std::size_t value = std::min(options.find('=', at), end);
        if (is_password(std::string_view(options).substr(at, value - at))) {
            options.erase(value, end - value);
            end = value;
        }
        at = end + 1;
    }
    return options;
}

}  // namespace

CrypttabEntry without_secrets(CrypttabEntry entry) {
    entry.key_file = may_be_a_key(entry) ? "" : without_pin(std::move(entry.key_file));
    entry.options = without_passwords(without_pin(std::move(entry.options)));
    return entry;
}

FstabEntry without_secrets(FstabEntry entry) {
    entry.options = without_passwords(std::move(entry.options));
    return entry;
}

}  // namespace stillpoint
