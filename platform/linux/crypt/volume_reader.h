// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "platform/encryption_headers.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// A volume that can only be read: its descriptor allows nothing else.
class VolumeReader {
public:
    /// Errors: volume_unreadable, with the errno, or without one when there is no such stretch.
    static Result<VolumeReader> open(const VolumePlace& place);

    /// Up to `bytes` bytes: fewer where the volume ends.
    /// Errors: volume_unreadable, with the errno.
    Result<std::string> read(std::uint64_t offset, std::uint64_t bytes) const;

    const std::string& path() const { return path_; }
    std::uint64_t size() const { return size_; }
    int descriptor() const { return fd_.get(); }
    std::uint64_t offset() const { return offset_; }

private:
    VolumeReader(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    UniqueFd fd_;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace stillpoint::linux_os
