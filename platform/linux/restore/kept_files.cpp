// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/kept_files.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

Error failure(std::string_view what, const std::string& path) {
    return fail(Code::file_unwritable, fmt::format("cannot {} '{}'", what, path)).with_errno(errno);
}

/// A name that is not taken yet.
std::string kept_name(const std::string& path) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &utc);
    std::string name = fmt::format("{}.stillpoint-{}", path, text.data());
    for (int number = 2; ::access(name.c_str(), F_OK) == 0; ++number) {
        name = fmt::format("{}.stillpoint-{}-{}", path, text.data(), number);
    }
    return name;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    return ::fsync(fd) == 0;
}

/// Best effort: a filesystem without them is as good.
void copy_attributes(int from, int to) {
    std::vector<char> names(4096);
    const ssize_t size = ::flistxattr(from, names.data(), names.size());
    for (ssize_t at = 0; at < size;) {
        const std::string name = &names[static_cast<std::size_t>(at)];
        std::vector<char> value(4096);
        const ssize_t bytes = ::fgetxattr(from, name.c_str(), value.data(), value.size());
        if (bytes >= 0) {
            (void)::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(bytes), 0);
        }
        at += static_cast<ssize_t>(name.size()) + 1;
    }
}

bool sync_folder_of(const std::string& path) {
    const UniqueFd folder(
        ::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder && ::fsync(folder.get()) == 0;
}

Result<void> write_new(const std::string& path, const std::string& text, int like, mode_t mode) {
    const UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        return failure("make", path);
    }
    struct stat about {};
    if (like >= 0 && ::fstat(like, &about) == 0) {
        mode = about.st_mode & 07777U;
        if (::fchown(file.get(), about.st_uid, about.st_gid) != 0) {
            return failure("give its owner to", path);
        }
        copy_attributes(like, file.get());
    }
    if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), text)) {
        const Error error = failure("write", path);
        (void)::unlink(path.c_str());
        return error;
    }
    return {};
}

}  // namespace

Result<std::string> replace_keeping(const std::string& path, const std::string& text) {
    const UniqueFd old(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!old && errno != ENOENT) {
        return failure("open", path);
    }
    const mode_t mode = path.ends_with("/fstab") ? 0644 : 0600;
    const std::string temporary = path + ".stillpoint-new";
    (void)::unlink(temporary.c_str());
    if (Result<void> written = write_new(temporary, text, old ? old.get() : -1, mode); !written) {
        return written.error();
    }
    std::string copy;
    if (old) {
        copy = kept_name(path);
        // The old file itself under another name, for a moment under both: never under none.
        if (::link(path.c_str(), copy.c_str()) != 0) {
            const Error error = failure("keep a copy of", path);
            (void)::unlink(temporary.c_str());
            return error;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const Error error = failure("replace", path);
        (void)::unlink(temporary.c_str());
        if (!copy.empty()) {
            (void)::unlink(copy.c_str());
        }
        return error;
    }
    if (!sync_folder_of(path)) {
        return failure("bring to the disk the folder of", path);
    }
    return copy;
}

Result<std::string> remove_keeping(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
        return std::string();
    }
    std::string copy = kept_name(path);
    if (::rename(path.c_str(), copy.c_str()) != 0 || !sync_folder_of(path)) {
        return failure("move aside", path);
    }
    return copy;
}

Result<void> put_back_kept(const std::string& path, const std::string& copy) {
    const bool done = copy.empty() ? ::unlink(path.c_str()) == 0 || errno == ENOENT
                                   : ::rename(copy.c_str(), path.c_str()) == 0;
    if (!done || !sync_folder_of(path)) {
        return failure("put back", path);
    }
    return {};
}

Result<std::string> copy_beginning_of(const std::string& device, std::uint64_t size,
                                      const std::string& file) {
    const UniqueFd from(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::size_t read = 0;
    while (from && read < bytes.size()) {
        const ssize_t got =
            ::pread(from.get(), bytes.data() + read, bytes.size() - read, static_cast<off_t>(read));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return fail(Code::volume_unreadable, fmt::format("cannot read '{}'", device))
                .with_errno(errno);
        }
        read += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    if (!from) {
        return fail(Code::volume_unreadable, fmt::format("cannot open '{}'", device))
            .with_errno(errno);
    }
    bytes.resize(read);
    // An older one stays: it may be of the time before an earlier repair.
    const std::string name = ::access(file.c_str(), F_OK) == 0 ? kept_name(file) : file;
    if (const Result<void> written = write_new(name, bytes, -1, 0600); !written) {
        return written.error();
    }
    if (!sync_folder_of(name)) {
        return failure("bring to the disk the folder of", name);
    }
    return name;
}

}  // namespace stillpoint::linux_os
