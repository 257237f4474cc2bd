// SPDX-License-Identifier: Apache-2.0
#include "base/device_number.h"

#include <charconv>

namespace stillpoint {

std::string to_string(DeviceNumber number) {
    return std::to_string(number.major) + ":" + std::to_string(number.minor);
}

std::optional<DeviceNumber> parse_device_number(std::string_view text) {
    DeviceNumber number;
    const char* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, number.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != ':') {
        return std::nullopt;
    }
    const auto minor = std::from_chars(major.ptr + 1, end, number.minor);
    if (minor.ec != std::errc() || minor.ptr != end) {
        return std::nullopt;
    }
    return number;
}

}  // namespace stillpoint
