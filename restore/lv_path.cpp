// SPDX-License-Identifier: Apache-2.0
#include "restore/lv_path.h"

namespace stillpoint {
namespace {

/// Undoes the doubling, and splits at the one dash that is not doubled.
std::optional<LvPath> split_mapped(std::string_view name) {
    if (name.find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    LvPath path;
    std::string* part = &path.group;
    for (std::size_t at = 0; at < name.size(); ++at) {
        if (name[at] != '-') {
            *part += name[at];
        } else if (at + 1 < name.size() && name[at + 1] == '-') {
            *part += '-';
            ++at;
        } else if (part == &path.group) {
            part = &path.volume;
        } else {
            return std::nullopt;
        }
    }
    return path.group.empty() || path.volume.empty() ? std::nullopt : std::optional(path);
}

}  // namespace

std::optional<LvPath> parse_lv_path(std::string_view path) {
    constexpr std::string_view kDev = "/dev/";
    constexpr std::string_view kMapper = "mapper/";
    if (!path.starts_with(kDev)) {
        return std::nullopt;
    }
    path.remove_prefix(kDev.size());
    if (path.starts_with(kMapper)) {
        return split_mapped(path.substr(kMapper.size()));
    }
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size() ||
        path.find('/', slash + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return LvPath{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

std::string lv_path(const LvPath& path) {
    return "/dev/" + path.group + "/" + path.volume;
}

}  // namespace stillpoint
