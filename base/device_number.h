// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stillpoint {

/// A device number as mountinfo and sysfs print it: "8:1". One per superblock in mountinfo, btrfs
/// too (there anonymous, "0:25"), so it is the key by which filesystems are told apart. Source:
/// proc(5), /proc/PID/mountinfo, field 3.
struct DeviceNumber {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    // clang-tidy 14 takes the generated comparison with 0 for a null pointer.
    auto operator<=>(const DeviceNumber&) const = default;  // NOLINT(modernize-use-nullptr)
};

std::string to_string(DeviceNumber number);

/// "8:1" and nothing else; no value for any other text.
std::optional<DeviceNumber> parse_device_number(std::string_view text);

}  // namespace stillpoint
