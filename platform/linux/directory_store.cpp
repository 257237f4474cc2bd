// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/directory_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <tuple>
#include <utility>

#include <boost/filesystem/operations.hpp>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "base/scope_exit.h"

namespace stillpoint::linux_os {
namespace {

/// Begins with a dot, so that no reader takes it for one of ours.
constexpr std::string_view kTemporaryPrefix = ".new-";

bool is_file_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.size() < 256 &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

/// 0, or the errno of the write that failed.
int write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return errno;
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0 ? 0 : errno;
}

/// 0, or the errno that stopped it.
int create_folder(const std::string& folder) {
    boost::system::error_code error;
    const boost::filesystem::path parent = boost::filesystem::path(folder).parent_path();
    if (!parent.empty()) {
        boost::filesystem::create_directories(parent, error);
    }
    if (error) {
        return error.value();
    }
    return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

}  // namespace

Result<DirectoryStore> DirectoryStore::open(const std::string& folder, Missing missing) {
    const std::string path = folder.substr(0, folder.find_last_not_of('/') + 1);
    if (missing == Missing::created) {
        if (const int number = create_folder(path); number != 0) {
            return fail(Code::file_unwritable, fmt::format("cannot create folder '{}'", path))
                .with_errno(number);
        }
    }
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int number = errno;
    if (fd < 0) {
        return fail(Code::file_unreadable, fmt::format("cannot open folder '{}'", folder))
            .with_errno(number);
    }
    return DirectoryStore(UniqueFd(fd), path);
}

Error DirectoryStore::failure(Code code, std::string_view what, std::string_view name,
                              int number) const {
    return fail(code, fmt::format("cannot {} '{}/{}'", what, path_, name)).with_errno(number);
}

Result<std::string> DirectoryStore::read(std::string_view name, std::size_t limit_bytes) const {
    if (!is_file_name(name)) {
        return failure(Code::file_unreadable, "read", name, EINVAL);
    }
    // O_NONBLOCK: a FIFO that somebody put there must not hold us up.
    const UniqueFd fd(::openat(folder_.get(), std::string(name).c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) {
        return failure(Code::file_unreadable, "open", name, errno);
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return failure(Code::file_unreadable, "read", name, EINVAL);
    }
    std::string content;
    std::array<char, 16'384> buffer;
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failure(Code::file_unreadable, "read", name, errno);
        }
        if (got == 0) {
            return content;
        }
        if (content.size() + static_cast<std::size_t>(got) > limit_bytes) {
            return failure(Code::file_unreadable, "read all of", name, EFBIG);
        }
        content.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

Result<void> DirectoryStore::put_in_place(std::string_view temporary, std::string_view name) {
    if (::renameat(folder_.get(), std::string(temporary).c_str(), folder_.get(),
                   std::string(name).c_str()) != 0) {
        return failure(Code::file_unwritable, "replace", name, errno);
    }
    // The rename itself must outlive a power cut.
    if (::fsync(folder_.get()) != 0) {
        return failure(Code::file_unwritable, "make durable", name, errno);
    }
    return {};
}

Result<void> DirectoryStore::replace(std::string_view name, std::string_view content) {
    if (!is_file_name(name)) {
        return failure(Code::file_unwritable, "write", name, EINVAL);
    }
    // A name of its own per process: two of us may write the same document.
    const std::string own =
        fmt::format("{}{}.{}", kTemporaryPrefix, name.substr(0, 200), ::getpid());
    (void)::unlinkat(folder_.get(), own.c_str(), 0);  // of a crash; usually there is none
    UniqueFd fd(::openat(folder_.get(), own.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) {
        return failure(Code::file_unwritable, "write", name, errno);
    }
    ScopeExit discard([&] { (void)::unlinkat(folder_.get(), own.c_str(), 0); });
    if (const int number = write_all(fd.get(), content); number != 0) {
        return failure(Code::file_unwritable, "write", name, number);
    }
    if (auto done = put_in_place(own, name); !done) {
        return done;
    }
    discard.release();
    return {};
}

Result<void> DirectoryStore::remove(std::string_view name) {
    if (!is_file_name(name)) {
        return failure(Code::file_unwritable, "remove", name, EINVAL);
    }
    if (::unlinkat(folder_.get(), std::string(name).c_str(), 0) != 0 && errno != ENOENT) {
        return failure(Code::file_unwritable, "remove", name, errno);
    }
    return {};
}

Result<void> DirectoryStore::rename(std::string_view from, std::string_view to) {
    if (!is_file_name(from) || !is_file_name(to)) {
        return failure(Code::file_unwritable, "rename", from, EINVAL);
    }
    return put_in_place(from, to);
}

Result<std::vector<std::string>> DirectoryStore::list() const {
    // A second description of the folder: reading entries moves the position of the one it uses.
    const int again = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(again < 0 ? nullptr : ::fdopendir(again),
                                                     &::closedir);
    if (!folder) {
        return failure(Code::file_unreadable, "list", ".", errno);
    }
    struct Found {
        timespec modified;
        std::string name;
    };
    std::vector<Found> found;
    while (const dirent* entry = ::readdir(folder.get())) {
        struct stat status {};
        if (::fstatat(folder_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) &&
            !std::string_view(entry->d_name).starts_with(kTemporaryPrefix)) {
            found.push_back({status.st_mtim, entry->d_name});
        }
    }
    std::ranges::sort(found, [](const Found& a, const Found& b) {
        return std::tuple(-a.modified.tv_sec, -a.modified.tv_nsec, a.name) <
               std::tuple(-b.modified.tv_sec, -b.modified.tv_nsec, b.name);
    });
    std::vector<std::string> names;
    for (Found& one : found) {
        names.push_back(std::move(one.name));
    }
    return names;
}

}  // namespace stillpoint::linux_os
