// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillpoint {

inline constexpr std::string_view kCrypttabPath = "/etc/crypttab";
inline constexpr std::string_view kFstabPath = "/etc/fstab";
inline constexpr std::string_view kAzureCryptMountPath =
    "/var/lib/azure_disk_encryption_config/azure_crypt_mount";

/// One volume of /etc/crypttab. Source: crypttab(5).
struct CrypttabEntry {
    std::string name;
    std::string device;    // a path, or "UUID=..."
    std::string key_file;  // empty: "none" or "-", asked for
    std::string options;   // as they stand: "luks,nofail,header=/boot/luks/osluksheader"

    bool operator==(const CrypttabEntry&) const = default;
};

/// One mount of /etc/fstab, blanks unescaped. Source: fstab(5).
struct FstabEntry {
    std::string source;
    std::string mount_point;
    std::string type;
    std::string options;
    int dump = 0;
    int pass = 0;

    bool operator==(const FstabEntry&) const = default;
};

/// One volume of azure_crypt_mount, which older versions of Azure Disk Encryption keep in place of
/// lines in crypttab and fstab. Source: VMEncryption in azure-linux-extensions.
struct AzureCryptMountEntry {
    std::string name;
    std::string device;
    std::string header_file;  // empty: "None", the header is on the device
    std::string mount_point;  // empty: "None"
    std::string type;         // "auto" where it is not known
    bool cleartext_key = false;
    int keyslot = -1;

    bool operator==(const AzureCryptMountEntry&) const = default;
};

/// A file of lines: each as it stands, and what it says if it says something. Comments, empty and
/// broken lines are kept, so that a table that is read and written is the same to the byte.
template <class Entry>
struct Table {
    struct Line {
        std::string text;  // without its end
        std::optional<Entry> entry;
        std::string comment;  // at the end of a line with an entry, with its '#'
    };
    std::vector<Line> lines;
    bool ends_with_newline = true;
    /// For each line that could not be understood, a sentence with file, line number, field and
    /// cause.
    std::vector<std::string> problems;

    std::vector<Entry> entries() const {
        std::vector<Entry> found;
        for (const Line& line : lines) {
            if (line.entry) {
                found.push_back(*line.entry);
            }
        }
        return found;
    }

    std::string text() const {
        std::string text;
        for (const Line& line : lines) {
            text += line.text + '\n';
        }
        if (!ends_with_newline && !text.empty()) {
            text.pop_back();
        }
        return text;
    }
};

/// `path` is for the problems alone.
Table<CrypttabEntry> parse_crypttab(std::string_view text, std::string_view path = kCrypttabPath);
Table<FstabEntry> parse_fstab(std::string_view text, std::string_view path = kFstabPath);
Table<AzureCryptMountEntry> parse_azure_crypt_mount(std::string_view text,
                                                    std::string_view path = kAzureCryptMountPath);

/// The line that says this, without its end.
std::string line_of(const CrypttabEntry& entry);
std::string line_of(const FstabEntry& entry);
std::string line_of(const AzureCryptMountEntry& entry);

/// The value of "header" and the like in an entry's options; empty when there is none. "luks" and
/// the like, which have no value, are found by has_option.
std::string option_of(std::string_view options, std::string_view name);
bool has_option(std::string_view options, std::string_view name);
/// The same of "size" and the like; no value: it is not there, or no number.
std::optional<int> number_option(std::string_view options, std::string_view name);

/// The part of a key file that is the key.
struct KeyPart {
    std::size_t offset = 0;
    std::size_t size = 0;  // 0: all that follows

    auto operator<=>(const KeyPart&) const = default;  // NOLINT(modernize-use-nullptr)
};
/// "keyfile-offset" and "keyfile-size". Source: crypttab(5).
KeyPart key_part(std::string_view options);
/// Empty, where the file ends before.
std::string_view part_of(std::string_view key_file, const KeyPart& part);

/// Whether crypttab's line was written by Azure Disk Encryption: its key file is named
/// LinuxPassPhraseFileName... or cleartext_key..., or the volume is osencrypt.
bool is_of_azure(const CrypttabEntry& entry);

/// azure_crypt_mount rules, and crypttab and fstab have no lines for these disks, as soon as it has
/// an entry other than osencrypt.
bool rules(const Table<AzureCryptMountEntry>& table);

}  // namespace stillpoint
