// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/script_file.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/scripts/path_walk.h"

namespace stillpoint::linux_os {
namespace {

Error unreadable(int number) {
    return fail(Code::file_unreadable, "cannot read it").with_errno(number);
}

/// pread() until the buffer is full or the file ends; negative: errno.
ssize_t read_at(int fd, char* buffer, std::size_t size, off_t from) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got =
            ::pread(fd, buffer + done, size - done, from + static_cast<off_t>(done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return static_cast<ssize_t>(done);
}

}  // namespace

Result<std::shared_ptr<const OpenedFile>> OpenedFile::of(UniqueFd fd, const std::string& path) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return unreadable(errno);
    }
    FileFacts facts{.regular = S_ISREG(status.st_mode),
                    .owned_by_root = status.st_uid == 0,
                    .mode = status.st_mode & 07777U,
                    .exchangeable_in = exchangeable_folder(path, status)};
    return std::shared_ptr<const OpenedFile>(new OpenedFile(std::move(fd), std::move(facts)));
}

Result<std::string> OpenedFile::read(std::size_t limit) const {
    std::string text(limit + 1, '\0');
    const ssize_t size = read_at(fd_.get(), text.data(), text.size(), 0);
    if (size < 0) {
        return unreadable(errno);
    }
    if (static_cast<std::size_t>(size) > limit) {
        return fail(Code::file_unreadable, "it is larger than " + std::to_string(limit) + " bytes");
    }
    text.resize(static_cast<std::size_t>(size));
    return text;
}

Result<std::shared_ptr<const OpenedFile>> open_file(const std::string& path) {
    // Symbolic links are followed, as they always were; who may change them is judged with the
    // folders on the way.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) {
        return errno == ENOENT || errno == ENOTDIR
                   ? Result<std::shared_ptr<const OpenedFile>>(nullptr)
                   : unreadable(errno);
    }
    return OpenedFile::of(std::move(fd), path);
}

Result<std::string> digest_of(int fd) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
        return fail(Code::file_unreadable, "no SHA-256");
    }
    std::array<char, 32 * 1024> buffer;
    off_t at = 0;
    while (true) {
        const ssize_t size = read_at(fd, buffer.data(), buffer.size(), at);
        if (size < 0) {
            return unreadable(errno);
        }
        (void)EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(size));
        at += size;
        if (static_cast<std::size_t>(size) < buffer.size()) {
            break;
        }
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    (void)EVP_DigestFinal_ex(context.get(), digest.data(), &length);
    std::string hex;
    for (unsigned i = 0; i < length; ++i) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[digest[i] >> 4U];
        hex += kDigits[digest[i] & 15U];
    }
    return hex;
}

}  // namespace stillpoint::linux_os
