// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/root_paths.h"

#include <climits>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

/// As many as the kernel follows. Source: path_resolution(7).
constexpr int kMostLinks = 40;

/// Puts the parts on top of `rest`, the first one uppermost.
void push_parts(std::string_view path, std::vector<std::string>& rest) {
    while (!path.empty()) {
        const std::size_t slash = path.rfind('/');
        const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
        rest.emplace_back(path.substr(begin));
        path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
}

bool exists_in(const std::string& root, const std::string& path) {
    const Result<std::string> resolved = resolve_in_root(root, path);
    return resolved && ::access(resolved->c_str(), F_OK) == 0;
}

}  // namespace

Result<std::string> resolve_in_root(const std::string& root, const std::string& path) {
    std::vector<std::string> rest;
    push_parts(path, rest);
    std::string done;
    int links = 0;
    while (!rest.empty()) {
        const std::string part = std::move(rest.back());
        rest.pop_back();
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            done.erase(done.empty() ? 0 : done.rfind('/'));
            continue;
        }
        std::string next = done + "/" + part;
        char target[PATH_MAX];
        const ssize_t size = ::readlink((root + next).c_str(), target, sizeof target);
        if (size < 0) {
            done = std::move(next);
            continue;
        }
        if (++links > kMostLinks) {
            return fail(Code::file_unreadable,
                        fmt::format("'{}{}': too many links follow one another", root, path));
        }
        const std::string_view leads(target, static_cast<std::size_t>(size));
        if (leads.starts_with('/')) {
            done.clear();
        }
        push_parts(leads, rest);
    }
    const std::string found = root + done;
    return found.empty() ? "/" : found;
}

Result<std::string> read_root_folder(const std::string& folder) {
    const auto refuse = [&](std::string_view why) {
        return fail(Code::usage, fmt::format("--root '{}' {}", folder, why));
    };
    if (!folder.starts_with('/')) {
        return refuse("is no absolute path");
    }
    const Result<std::string> path = resolve_in_root("", folder);
    if (!path) {
        return path.error();
    }
    struct stat there {};
    struct stat own {};
    if (::stat(path->c_str(), &there) != 0 || !S_ISDIR(there.st_mode)) {
        return refuse("is no folder");
    }
    if (::stat("/", &own) != 0 || (own.st_dev == there.st_dev && own.st_ino == there.st_ino)) {
        return refuse("is the root of this system itself: leave the option out");
    }
    if (!exists_in(*path, "/etc/os-release") && !exists_in(*path, "/etc/fstab")) {
        return refuse("holds no system: neither etc/os-release nor etc/fstab is in it");
    }
    return *path;
}

}  // namespace stillpoint::linux_os
