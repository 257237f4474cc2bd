// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/image_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

Error unreadable(const std::string& path, int number) {
    return fail(Code::volume_unreadable, fmt::format("cannot read '{}'", path)).with_errno(number);
}

}  // namespace

Result<ImageFile> ImageFile::open(const std::string& path) {
    // Not blocking: a pipe would wait for its writer before it can be refused.
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
        return unreadable(path, errno);
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return fail(Code::volume_unreadable,
                    fmt::format("'{}' is neither a file nor a block device", path));
    }
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    if (size < 0) {
        return unreadable(path, errno);
    }
    return ImageFile(path, std::move(file), static_cast<std::uint64_t>(size));
}

Result<std::string> ImageFile::read_within(std::uint64_t offset, std::size_t count) const {
    std::string bytes(count, '\0');
    std::size_t done = 0;
    while (done < count) {
        const ssize_t got = ::pread(file_.get(), bytes.data() + done, count - done,
                                    static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return unreadable(path_, errno);
        }
        if (got == 0) {
            return fail(Code::volume_unreadable, fmt::format("'{}' became shorter", path_));
        }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

}  // namespace stillpoint::linux_os
