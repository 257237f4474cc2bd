// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/filesystem_usage.h"

#include <cerrno>

#include <sys/statvfs.h>

#include "base/format.h"

namespace stillpoint::linux_os {

Result<std::uint64_t> used_bytes(const MountPlace& place) {
    const OpenedMount opened = open_mount_path(place);
    if (!opened.fd) {
        return opened.result == FsResult::replaced
                   ? fail(Code::mount_not_openable,
                          fmt::format("another filesystem is mounted on '{}' now",
                                      place.mount_point))
                   : fail(Code::mount_not_openable,
                          fmt::format("cannot look up '{}'", place.mount_point))
                         .with_errno(opened.error);
    }
    struct statvfs usage {};
    if (::fstatvfs(opened.fd.get(), &usage) != 0) {
        return fail(Code::mount_not_openable,
                    fmt::format("'{}' does not tell how full it is", place.mount_point))
            .with_errno(errno);
    }
    return static_cast<std::uint64_t>(usage.f_blocks - usage.f_bfree) * usage.f_frsize;
}

}  // namespace stillpoint::linux_os
