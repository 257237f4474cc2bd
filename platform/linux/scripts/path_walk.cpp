// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/path_walk.h"

#include <climits>
#include <deque>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

constexpr int kMostLinks = 40;  // as the kernel: path_resolution(7)

void push_steps(std::deque<std::string>& steps, std::string_view path) {
    std::deque<std::string> more;
    while (!path.empty()) {
        const std::size_t end = path.find('/');
        const std::string_view step = path.substr(0, end);
        if (!step.empty() && step != ".") {
            more.emplace_back(step);
        }
        path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    }
    steps.insert(steps.begin(), more.begin(), more.end());
}

/// Whoever may write to a folder may exchange what lies in it; in a sticky one only the owners of
/// folder and entry may. Source: inode(7), "S_ISVTX". Lists of access rights (acl(5)) show as
/// rights of the group.
bool may_exchange(const struct stat& folder, const struct stat& entry) {
    if (folder.st_uid != 0) {
        return true;
    }
    const bool others_write = (folder.st_mode & 0022U) != 0;
    const bool sticky = (folder.st_mode & S_ISVTX) != 0;
    return others_write && (!sticky || entry.st_uid != 0);
}

class Walk {
public:
    explicit Walk(const std::string& path) {
        char folder[PATH_MAX];
        if (!path.starts_with('/') && ::getcwd(folder, sizeof folder) != nullptr) {
            push_steps(steps_, folder);
        }
        std::deque<std::string> rest;
        push_steps(rest, path);
        steps_.insert(steps_.end(), rest.begin(), rest.end());
        go_to_root();
    }

    std::string run(const struct stat& opened) {
        struct stat entry {};
        while (!steps_.empty()) {
            const std::string step = steps_.front();
            steps_.pop_front();
            struct stat folder {};
            if (!at_ || ::fstat(at_.get(), &folder) != 0 ||
                ::fstatat(at_.get(), step.c_str(), &entry, AT_SYMLINK_NOFOLLOW) != 0 ||
                may_exchange(folder, entry) || !go(step, entry)) {
                return name_;
            }
        }
        return entry.st_dev == opened.st_dev && entry.st_ino == opened.st_ino ? "" : name_;
    }

private:
    void go_to_root() {
        at_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        name_ = "/";
    }

    bool go(const std::string& step, const struct stat& entry) {
        if (S_ISLNK(entry.st_mode)) {
            char target[PATH_MAX];
            const ssize_t size = ::readlinkat(at_.get(), step.c_str(), target, sizeof target);
            if (size <= 0 || ++links_ > kMostLinks) {
                return false;
            }
            const std::string_view text(target, static_cast<std::size_t>(size));
            push_steps(steps_, text);
            if (text.front() == '/') {
                go_to_root();
            }
            return true;
        }
        if (S_ISDIR(entry.st_mode)) {
            at_.reset(
                ::openat(at_.get(), step.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            name_ += (name_.ends_with('/') ? "" : "/") + step;
            return static_cast<bool>(at_);
        }
        return steps_.empty();
    }

    std::deque<std::string> steps_;
    UniqueFd at_;
    std::string name_;
    int links_ = 0;
};

}  // namespace

std::string exchangeable_folder(const std::string& path, const struct stat& opened) {
    return Walk(path).run(opened);
}

}  // namespace stillpoint::linux_os
