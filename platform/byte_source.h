// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/format.h"
#include "base/result.h"

namespace stillpoint {

/// Bytes that are only ever read: an image, a stretch of one, what lies behind its encryption.
class ByteSource {
public:
    /// No one read asks for more, whatever a structure on the disk says.
    static constexpr std::size_t kMaxRead = 4U << 20U;

    virtual ~ByteSource() = default;
    virtual std::uint64_t size() const = 0;

    /// Exactly `count` bytes, at most kMaxRead.
    /// Errors: volume_unreadable (os: why; none when the source ends before).
    Result<std::string> read(std::uint64_t offset, std::size_t count) const {
        if (count > kMaxRead || offset > size() || count > size() - offset) {
            return fail(Code::volume_unreadable,
                        fmt::format("{} bytes at {} lie outside the {} bytes that there are", count,
                                    offset, size()));
        }
        return read_within(offset, count);
    }

protected:
    /// The range lies within the source.
    virtual Result<std::string> read_within(std::uint64_t offset, std::size_t count) const = 0;
};

/// A part of another source, which must outlive it and hold the whole part.
class ByteStretch : public ByteSource {
public:
    ByteStretch(const ByteSource& whole, std::uint64_t offset, std::uint64_t size)
        : whole_(whole), offset_(offset), size_(size) {}

    std::uint64_t size() const override { return size_; }

protected:
    Result<std::string> read_within(std::uint64_t offset, std::size_t count) const override {
        return whole_.read(offset_ + offset, count);
    }

private:
    const ByteSource& whole_;
    std::uint64_t offset_;
    std::uint64_t size_;
};

}  // namespace stillpoint
