// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stillpoint {

/// A logical volume as a path names it.
struct LvPath {
    std::string group;
    std::string volume;

    bool operator==(const LvPath&) const = default;
};

/// "/dev/group/volume", or "/dev/mapper/group-volume", where a dash in a name is doubled.
/// No value: neither.
std::optional<LvPath> parse_lv_path(std::string_view path);

/// "/dev/group/volume"
std::string lv_path(const LvPath& path);

}  // namespace stillpoint
