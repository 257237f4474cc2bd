// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/header_copy.h"

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include "base/format.h"
#include "base/secret.h"

namespace stillpoint::linux_os {
namespace {

constexpr std::uint64_t kPiece = 256U << 10;

Error no_memory(int number) {
    return fail(Code::volume_unreadable, "no memory for the copy of a header").with_errno(number);
}

bool write_at(int fd, std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno != EINTR) {
            return false;
        }
        const auto step = static_cast<std::size_t>(std::max<ssize_t>(done, 0));
        bytes.remove_prefix(step);
        offset += step;
    }
    return true;
}

}  // namespace

Result<HeaderCopy> HeaderCopy::make(std::uint64_t size) {
    UniqueFd fd(::memfd_create("header", MFD_CLOEXEC));
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
        return no_memory(errno);
    }
    return HeaderCopy(std::move(fd));
}

HeaderCopy::~HeaderCopy() {
    if (!fd_) {
        return;
    }
    const std::string zeros(kPiece, '\0');
    for (const Stretch& stretch : put_) {
        for (std::uint64_t done = 0; done < stretch.bytes; done += kPiece) {
            const std::uint64_t piece = std::min(kPiece, stretch.bytes - done);
            (void)write_at(fd_.get(), stretch.offset + done, {zeros.data(), piece});
        }
    }
}

Result<void> HeaderCopy::put(std::uint64_t offset, std::string_view bytes) {
    held_ += bytes.size();
    if (held_ > kMostBytes) {
        return fail(Code::encryption_unsupported,
                    fmt::format("a header with more than {} MiB of keyslots", kMostBytes >> 20));
    }
    put_.push_back({offset, bytes.size()});
    if (!write_at(fd_.get(), offset, bytes)) {
        return no_memory(errno);
    }
    return {};
}

Result<void> HeaderCopy::put_from(const VolumeReader& volume,
                                  const std::vector<Stretch>& stretches) {
    for (const Stretch& stretch : stretches) {
        for (std::uint64_t done = 0; done < stretch.bytes; done += kPiece) {
            Result<std::string> piece =
                volume.read(stretch.offset + done, std::min(kPiece, stretch.bytes - done));
            if (!piece) {
                return piece.error();
            }
            const bool ended = piece->empty();
            const Result<void> written = put(stretch.offset + done, *piece);
            wipe(*piece);
            if (!written || ended) {
                return written;
            }
        }
    }
    return {};
}

std::string HeaderCopy::path() const {
    return fmt::format("/proc/self/fd/{}", fd_.get());
}

}  // namespace stillpoint::linux_os
