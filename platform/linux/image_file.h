// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "platform/byte_source.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// An image or a disk, opened so that it can only be read.
class ImageFile : public ByteSource {
public:
    /// Errors: volume_unreadable, also for what is neither a file nor a block device.
    static Result<ImageFile> open(const std::string& path);

    std::uint64_t size() const override { return size_; }

protected:
    Result<std::string> read_within(std::uint64_t offset, std::size_t count) const override;

private:
    ImageFile(std::string path, UniqueFd file, std::uint64_t size)
        : path_(std::move(path)), file_(std::move(file)), size_(size) {}

    std::string path_;
    UniqueFd file_;
    std::uint64_t size_;
};

}  // namespace stillpoint::linux_os
