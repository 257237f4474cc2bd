// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillpoint::linux_os {

/// Keeps the beginning and the end of what a program prints, however much it is.
class CappedOutput {
public:
    static constexpr std::size_t kHeadBytes = 2048;
    static constexpr std::size_t kTailBytes = 2048;

    void add(std::string_view text);
    /// With a note between them when something is left out; what cannot be printed shows as '?'.
    std::string text() const;

private:
    std::string head_;
    std::string tail_;
    std::uint64_t left_out_ = 0;
};

}  // namespace stillpoint::linux_os
