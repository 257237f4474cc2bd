// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/mount_namespaces.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "platform/linux/proc_file.h"

namespace stillpoint::linux_os {
namespace {

// A table takes about 0.1 ms to read; this many are a tenth of a second before the hold.
constexpr std::size_t kMaxNamespaces = 1000;

struct DirCloser {
    void operator()(DIR* dir) const noexcept { (void)::closedir(dir); }
};
using Folder = std::unique_ptr<DIR, DirCloser>;

std::vector<int> processes(DIR* proc) {
    std::vector<int> pids;
    while (const dirent* entry = ::readdir(proc)) {
        const std::string_view name = entry->d_name;
        int pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error == std::errc() && end == name.data() + name.size()) {
            pids.push_back(pid);
        }
    }
    // The lowest number is the most likely to live on until the hold.
    std::ranges::sort(pids);
    return pids;
}

/// "mnt:[4026531841]"; no value and errno when there is none to see.
std::optional<std::string> namespace_of(int proc, const std::string& process) {
    std::array<char, 64> text;
    const ssize_t size =
        ::readlinkat(proc, (process + "/ns/mnt").c_str(), text.data(), text.size());
    if (size < 0) {
        return std::nullopt;
    }
    return std::string(text.data(), static_cast<std::size_t>(size));
}

/// Kernel threads have no program. One of them (kdevtmpfs) has a namespace of its own.
bool is_kernel_thread(int proc, const std::string& process) {
    char byte = 0;
    return ::readlinkat(proc, (process + "/exe").c_str(), &byte, 1) < 0 && errno == ENOENT;
}

/// Adds what `table` shows of superblocks that are not in `known` yet, and then knows them.
void add_new(MountTable& all, MountTable table, std::set<DeviceNumber>& known) {
    std::set<DeviceNumber> found;
    for (Mount& mount : table.mounts) {
        if (!known.contains(mount.device)) {
            found.insert(mount.device);
            all.mounts.push_back(std::move(mount));
        }
    }
    known.merge(found);
    all.gaps.insert(all.gaps.end(), table.gaps.begin(), table.gaps.end());
}

}  // namespace

MountTable read_other_namespaces(const std::string& proc_root, const std::vector<Mount>& ours) {
    MountTable all;
    const Folder folder(::opendir(proc_root.c_str()));
    if (!folder) {
        all.gaps.push_back("the processes are not to be seen, so neither are containers' mounts: " +
                           errno_text(errno));
        return all;
    }
    const int proc = ::dirfd(folder.get());
    std::set<std::string> namespaces;
    if (const auto own = namespace_of(proc, "self")) {
        namespaces.insert(*own);
    }
    std::set<DeviceNumber> known;
    for (const Mount& mount : ours) {
        known.insert(mount.device);
    }
    int denied = 0;
    for (const int pid : processes(folder.get())) {
        const std::string process = std::to_string(pid);
        const auto mount_namespace = namespace_of(proc, process);
        if (!mount_namespace) {
            denied += errno == EACCES || errno == EPERM ? 1 : 0;
            continue;  // else it ended meanwhile
        }
        if (namespaces.contains(*mount_namespace) || is_kernel_thread(proc, process)) {
            continue;
        }
        if (namespaces.size() > kMaxNamespaces) {
            all.gaps.push_back("there are more than " + std::to_string(kMaxNamespaces) +
                               " mount namespaces; the rest was not read");
            break;
        }
        if (const auto text = read_kernel_file(proc, process + "/mountinfo")) {
            namespaces.insert(*mount_namespace);
            add_new(all, parse_mountinfo(*text, pid), known);
        }
    }
    if (denied > 0) {
        all.gaps.push_back("mounts that only other processes see may be missing: " +
                           std::to_string(denied) + " of them cannot be looked into");
    }
    return all;
}

}  // namespace stillpoint::linux_os
