// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>

#include <unistd.h>

#include "base/unique_resource.h"

namespace stillpoint::linux_os {

struct FdTraits {
    using value_type = int;
    static constexpr int invalid() noexcept { return -1; }
    static constexpr bool is_open(int fd) noexcept { return fd >= 0; }

    static void close(int fd) noexcept {
        const int saved = errno;
        // Not retried on EINTR: Linux has released the number already, and it may belong to another
        // thread by now. Source: close(2), "Dealing with error returns from close()".
        (void)::close(fd);
        errno = saved;
    }
};

/// A file descriptor. Every open() that feeds one passes O_CLOEXEC.
using UniqueFd = UniqueResource<FdTraits>;

}  // namespace stillpoint::linux_os
