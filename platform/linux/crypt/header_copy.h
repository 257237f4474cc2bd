// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/volume_reader.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// What a library is given in place of a volume: a file in memory of the volume's size that holds
/// only the stretches that were put into it (docs/adr/0009-headers-are-copied.md). Wiped at its
/// end.
class HeaderCopy {
public:
    /// More than any header with its keyslots takes.
    static constexpr std::uint64_t kMostBytes = 64U << 20;

    /// Errors: volume_unreadable (os: why there is no such file).
    static Result<HeaderCopy> make(std::uint64_t size);

    HeaderCopy(HeaderCopy&&) noexcept = default;
    HeaderCopy& operator=(HeaderCopy&&) = delete;
    HeaderCopy(const HeaderCopy&) = delete;
    HeaderCopy& operator=(const HeaderCopy&) = delete;
    ~HeaderCopy();

    /// Errors: encryption_unsupported above kMostBytes, volume_unreadable (os: why).
    Result<void> put(std::uint64_t offset, std::string_view bytes);
    /// From the volume, as far as it has it. Errors: as put.
    Result<void> put_from(const VolumeReader& volume, const std::vector<Stretch>& stretches);

    /// Names it as long as it lives, in this process.
    std::string path() const;

private:
    explicit HeaderCopy(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
    std::uint64_t held_ = 0;
    std::vector<Stretch> put_;
};

}  // namespace stillpoint::linux_os
