// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/proc_file.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

// A mount table of 100,000 mounts is about 20 MB; what is longer is not a machine of ours.
constexpr std::size_t kMaxSize = 64U << 20U;

Error unreadable(const std::string& path, int number) {
    return fail(Code::file_unreadable, "cannot read '" + path + "'").with_errno(number);
}

}  // namespace

Result<std::string> read_kernel_file(const std::string& path) {
    return read_kernel_file(AT_FDCWD, path);
}

Result<std::string> read_kernel_file(int at, const std::string& path) {
    const UniqueFd file(::openat(at, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return unreadable(path, errno);
    }
    std::string text;
    std::array<char, 16384> buffer;
    while (text.size() < kMaxSize) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return unreadable(path, errno);
        }
        if (got == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return unreadable(path, EFBIG);
}

std::optional<std::string> read_attribute(const std::string& path) {
    const Result<std::string> text = read_kernel_file(path);
    if (!text) {
        return std::nullopt;
    }
    return std::string(trimmed(*text));
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace stillpoint::linux_os
