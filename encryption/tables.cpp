// SPDX-License-Identifier: Apache-2.0
#include "encryption/tables.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/format.h"

namespace stillpoint {
namespace {

// The last ends lines that were written on Windows.
constexpr std::string_view kBlanks = " \t\r";

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        fields.push_back(line.substr(at, end - at));
        at = line.find_first_not_of(kBlanks, end);
    }
    return fields;
}

bool is_octal(std::string_view digits) {
    return digits.find_first_not_of("01234567") == std::string_view::npos;
}

/// fstab writes blanks as \040 and the like. Source: fstab(5).
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view digits = text.substr(at + 1, 3);
        if (text[at] == '\\' && digits.size() == 3 && is_octal(digits) && digits[0] < '4') {
            plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 +
                                       (digits[2] - '0'));
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

constexpr std::string_view kEscaped = " \t\r\n\\#";

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char each : text) {
        if (kEscaped.find(each) != std::string_view::npos) {
            safe += fmt::format("\\{:03o}", static_cast<unsigned char>(each));
        } else {
            safe += each;
        }
    }
    return safe;
}

std::string or_none(const std::string& text, std::string_view none) {
    return text.empty() ? std::string(none) : text;
}

/// What a line's parser gives: an entry, or which field is wrong and why. Never what stands in it:
/// a line with a blank too many may have a password anywhere.
template <class Entry>
struct Parsed {
    std::optional<Entry> entry;
    std::string problem;
    std::string_view comment;  // its first word; the rest of the line follows it
};

template <class Entry>
Parsed<Entry> wrong(std::string problem) {
    return {std::nullopt, std::move(problem), ""};
}

/// Many people end a line with a comment. Where a field must be, '#' may begin a name. Gives the
/// comment's first word.
std::string_view drop_comment(std::vector<std::string_view>& fields, std::size_t mandatory) {
    const auto first =
        fields.begin() + static_cast<std::ptrdiff_t>(std::min(mandatory, fields.size()));
    const auto found = std::find_if(first, fields.end(),
                                    [](std::string_view field) { return field.starts_with('#'); });
    const std::string_view comment = found == fields.end() ? std::string_view() : *found;
    fields.erase(found, fields.end());
    return comment;
}

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

Parsed<CrypttabEntry> crypttab_entry(std::vector<std::string_view> fields) {
    const std::string_view comment = drop_comment(fields, 2);
    if (fields.size() < 2) {
        return wrong<CrypttabEntry>("field 2, the device, is missing");
    }
    if (fields.size() > 4) {
        return wrong<CrypttabEntry>(
            fmt::format("{} fields where 4 are the most there can be", fields.size()));
    }
    CrypttabEntry entry{std::string(fields[0]), std::string(fields[1]), "", ""};
    if (fields[0].find('/') != std::string_view::npos) {
        return wrong<CrypttabEntry>("field 1, the name, holds a slash");
    }
    if (fields.size() > 2 && fields[2] != "none" && fields[2] != "-") {
        entry.key_file = fields[2];
    }
    if (fields.size() > 3) {
        entry.options = fields[3];
    }
    return {entry, "", comment};
}

Parsed<FstabEntry> fstab_entry(std::vector<std::string_view> fields) {
    const std::string_view comment = drop_comment(fields, 3);
    // What follows the sixth is ignored, as mount(8) does.
    if (fields.size() < 3) {
        return wrong<FstabEntry>(
            fmt::format("{} fields where 3 are the least there can be", fields.size()));
    }
    FstabEntry entry{unescaped(fields[0]), unescaped(fields[1]), std::string(fields[2]), "", 0, 0};
    entry.options = fields.size() > 3 ? unescaped(fields[3]) : "defaults";
    for (const auto& [index, name, number] :
         {std::tuple(4U, "5, dump,", &entry.dump), std::tuple(5U, "6, pass,", &entry.pass)}) {
        if (fields.size() > index) {
            const std::optional<int> value = number_of(fields[index]);
            if (!value || *value < 0) {
                return wrong<FstabEntry>(fmt::format("field {} is no number", name));
            }
            *number = *value;
        }
    }
    return {entry, "", comment};
}

Parsed<AzureCryptMountEntry> azure_entry(const std::vector<std::string_view>& fields) {
    // The oldest files have no key slot.
    if (fields.size() < 6 || fields.size() > 7) {
        return wrong<AzureCryptMountEntry>(
            fmt::format("{} fields where there must be 6 or 7", fields.size()));
    }
    const auto named = [](std::string_view text) {
        return text == "None" ? std::string() : std::string(text);
    };
    AzureCryptMountEntry entry{std::string(fields[0]),
                               std::string(fields[1]),
                               named(fields[2]),
                               named(fields[3]),
                               std::string(fields[4]),
                               fields[5] == "True",
                               -1};
    if (fields[0].find('/') != std::string_view::npos) {
        return wrong<AzureCryptMountEntry>("field 1, the name, holds a slash");
    }
    if (fields[5] != "True" && fields[5] != "False") {
        return wrong<AzureCryptMountEntry>(
            "field 6, the clear-text key, is neither True nor False");
    }
    if (fields.size() == 7) {
        const std::optional<int> slot = number_of(fields[6]);
        if (!slot || *slot < -1) {
            return wrong<AzureCryptMountEntry>("field 7, the key slot, is no number");
        }
        entry.keyslot = *slot;
    }
    return {entry, "", ""};
}

template <class Entry, class Parse>
Table<Entry> parse_table(std::string_view text, std::string_view path, Parse parse) {
    Table<Entry> table;
    table.ends_with_newline = text.empty() || text.ends_with('\n');
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        table.lines.push_back({std::string(line), std::nullopt, ""});
        const std::vector<std::string_view> fields = fields_of(line);
        if (fields.empty() || fields[0].starts_with('#')) {
            continue;
        }
        Parsed<Entry> parsed = parse(fields);
        if (!parsed.entry) {
            table.problems.push_back(
                fmt::format("'{}' line {}: {}", path, table.lines.size(), parsed.problem));
        }
        table.lines.back().entry = std::move(parsed.entry);
        if (!parsed.comment.empty()) {
            table.lines.back().comment =
                line.substr(static_cast<std::size_t>(parsed.comment.data() - line.data()));
        }
    }
    return table;
}

/// Calls `found` with the name and, after "=", the value of each option, until it says stop.
template <class Found>
void each_option(std::string_view options, Found found) {
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        const std::string_view one = options.substr(0, end);
        options.remove_prefix(std::min(end + 1, options.size()));
        const std::size_t equals = one.find('=');
        const std::string_view name = one.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1);
        if (found(name, value)) {
            return;
        }
    }
}

}  // namespace

Table<CrypttabEntry> parse_crypttab(std::string_view text, std::string_view path) {
    return parse_table<CrypttabEntry>(text, path, crypttab_entry);
}

Table<FstabEntry> parse_fstab(std::string_view text, std::string_view path) {
    return parse_table<FstabEntry>(text, path, fstab_entry);
}

Table<AzureCryptMountEntry> parse_azure_crypt_mount(std::string_view text, std::string_view path) {
    return parse_table<AzureCryptMountEntry>(text, path, azure_entry);
}

std::string line_of(const CrypttabEntry& entry) {
    std::string line =
        fmt::format("{} {} {}", entry.name, entry.device, or_none(entry.key_file, "none"));
    return entry.options.empty() ? line : line + ' ' + entry.options;
}

std::string line_of(const FstabEntry& entry) {
    return fmt::format("{} {} {} {} {} {}", escaped(entry.source), escaped(entry.mount_point),
                       entry.type, escaped(entry.options), entry.dump, entry.pass);
}

std::string line_of(const AzureCryptMountEntry& entry) {
    return fmt::format("{} {} {} {} {} {} {}", entry.name, entry.device,
                       or_none(entry.header_file, "None"), or_none(entry.mount_point, "None"),
                       or_none(entry.type, "auto"), entry.cleartext_key ? "True" : "False",
                       entry.keyslot);
}

std::string option_of(std::string_view options, std::string_view name) {
    std::string value;
    each_option(options, [&](std::string_view key, std::string_view text) {
        if (key != name) {
            return false;
        }
        value = text;
        return true;
    });
    return value;
}

bool has_option(std::string_view options, std::string_view name) {
    bool found = false;
    each_option(options,
                [&](std::string_view key, std::string_view) { return found = key == name; });
    return found;
}

std::optional<int> number_option(std::string_view options, std::string_view name) {
    return number_of(option_of(options, name));
}

KeyPart key_part(std::string_view options) {
    const auto number = [&](std::string_view name) {
        return static_cast<std::size_t>(std::max(0, number_option(options, name).value_or(0)));
    };
    return {.offset = number("keyfile-offset"), .size = number("keyfile-size")};
}

std::string_view part_of(std::string_view key_file, const KeyPart& part) {
    key_file.remove_prefix(std::min(part.offset, key_file.size()));
    return part.size == 0 ? key_file : key_file.substr(0, part.size);
}

bool is_of_azure(const CrypttabEntry& entry) {
    return entry.name == "osencrypt" ||
           entry.key_file.find("LinuxPassPhraseFileName") != std::string::npos ||
           entry.key_file.find("cleartext_key") != std::string::npos;
}

bool rules(const Table<AzureCryptMountEntry>& table) {
    for (const Table<AzureCryptMountEntry>::Line& line : table.lines) {
        if (line.entry && line.entry->name != "osencrypt") {
            return true;
        }
    }
    return false;
}

}  // namespace stillpoint
