// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/mountinfo.h"

#include <charconv>
#include <optional>
#include <utility>

#include "platform/linux/proc_file.h"

namespace stillpoint::linux_os {
namespace {

// More than a few broken lines say nothing new.
constexpr std::size_t kMaxGaps = 8;

/// Cuts `text` up to the next `separator` off and returns it.
std::string_view take(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) {
        return std::nullopt;
    }
    return number;
}

std::optional<Mount> parse_line(std::string_view line) {
    const auto id = number_in(take(line, ' '));
    const auto parent_id = number_in(take(line, ' '));
    const auto device = parse_device_number(take(line, ' '));
    if (!id || !parent_id || !device) {
        return std::nullopt;
    }
    Mount mount;
    mount.id = *id;
    mount.parent_id = *parent_id;
    mount.device = *device;
    mount.root = decode_octal(take(line, ' '));
    mount.mount_point = decode_octal(take(line, ' '));
    mount.options = take(line, ' ');
    // Any number of optional fields ("shared:7"), then a lone hyphen.
    std::string_view field;
    do {
        if (line.empty()) {
            return std::nullopt;
        }
        field = take(line, ' ');
    } while (field != "-");
    mount.type = decode_octal(take(line, ' '));
    // A source may be empty: two spaces in a row.
    mount.source = decode_octal(take(line, ' '));
    // Not every filesystem escapes the spaces in its options: they are the rest of the line.
    mount.super_options = line;
    // nsfs and the like have roots as "net:[4026531840]"; a mount point is always a path.
    if (mount.root.empty() || !mount.mount_point.starts_with('/') || mount.type.empty()) {
        return std::nullopt;
    }
    return mount;
}

}  // namespace

std::string decode_octal(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    const auto digit = [&](std::size_t at, char highest) {
        return text[at] >= '0' && text[at] <= highest;
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 3 < text.size() && digit(at + 1, '3') && digit(at + 2, '7') &&
            digit(at + 3, '7')) {
            const int value =
                (text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0');
            decoded += static_cast<char>(value);
            at += 3;
        } else {
            decoded += text[at];
        }
    }
    return decoded;
}

MountTable parse_mountinfo(std::string_view text, int namespace_pid) {
    MountTable table;
    for (int number = 1; !text.empty(); ++number) {
        const std::string_view line = take(text, '\n');
        if (line.empty()) {
            continue;
        }
        if (std::optional<Mount> mount = parse_line(line)) {
            mount->namespace_pid = namespace_pid;
            table.mounts.push_back(*std::move(mount));
        } else if (table.gaps.size() < kMaxGaps) {
            const std::string whose =
                namespace_pid == 0 ? "" : " of process " + std::to_string(namespace_pid);
            table.gaps.push_back("line " + std::to_string(number) + " of the mount table" + whose +
                                 " is not understood");
        }
    }
    return table;
}

std::vector<SwapArea> parse_swaps(std::string_view text) {
    std::vector<SwapArea> swaps;
    take(text, '\n');  // the head line
    while (!text.empty()) {
        const std::string_view line = take(text, '\n');
        const std::size_t path_end = line.find_first_of(" \t");
        if (path_end == std::string_view::npos) {
            continue;
        }
        const std::string_view rest = trimmed(line.substr(path_end));
        swaps.push_back({.path = decode_octal(line.substr(0, path_end)),
                         .file = rest.substr(0, rest.find_first_of(" \t")) == "file"});
    }
    return swaps;
}

}  // namespace stillpoint::linux_os
