// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/volume_reader.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

Error unreadable(const std::string& path, int number) {
    return fail(Code::volume_unreadable, fmt::format("cannot read '{}'", path)).with_errno(number);
}

/// No value: neither a block device nor a file; errno says why.
std::optional<std::uint64_t> size_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return std::nullopt;
    }
    if (S_ISREG(status.st_mode)) {
        return static_cast<std::uint64_t>(status.st_size);
    }
    if (!S_ISBLK(status.st_mode)) {
        errno = ENOTBLK;
        return std::nullopt;
    }
    std::uint64_t bytes = 0;
    if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace

Result<VolumeReader> VolumeReader::open(const VolumePlace& place) {
    // O_NONBLOCK: a pipe of this name must not hold us.
    VolumeReader reader(place.path,
                        UniqueFd(::open(place.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)));
    if (!reader.fd_) {
        return unreadable(place.path, errno);
    }
    const std::optional<std::uint64_t> whole = size_of(reader.fd_.get());
    if (!whole) {
        return unreadable(place.path, errno);
    }
    if (place.offset_bytes > *whole || place.size_bytes > *whole - place.offset_bytes) {
        return fail(Code::volume_unreadable,
                    fmt::format("'{}' has {} bytes, so none {} bytes long at {}", place.path,
                                *whole, place.size_bytes, place.offset_bytes));
    }
    reader.offset_ = place.offset_bytes;
    reader.size_ = place.size_bytes != 0 ? place.size_bytes : *whole - place.offset_bytes;
    return reader;
}

Result<std::string> VolumeReader::read(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset >= size_) {
        return std::string();
    }
    std::string data(std::min(bytes, size_ - offset), '\0');
    std::size_t done = 0;
    while (done < data.size()) {
        const ssize_t got = ::pread(fd_.get(), data.data() + done, data.size() - done,
                                    static_cast<off_t>(offset_ + offset + done));
        if (got < 0 && errno != EINTR) {
            return unreadable(path_, errno);
        }
        if (got == 0) {  // it became shorter meanwhile
            data.resize(done);
        }
        done += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return data;
}

}  // namespace stillpoint::linux_os
