// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/local_paths.h"

#include <algorithm>
#include <array>
#include <climits>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "platform/device_graph.h"

namespace stillpoint::linux_os {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel does

/// The components of `path`, the last one first.
std::vector<std::string> reversed_components(std::string_view path) {
    std::vector<std::string> components;
    while (!path.empty()) {
        const std::size_t slash = path.rfind('/');
        const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
        if (begin < path.size()) {
            components.emplace_back(path.substr(begin));
        }
        path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
    return components;
}

std::string link_target(const std::string& path) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

}  // namespace

LocalPaths::LocalPaths(const Inventory& inventory, std::string root)
    : inventory_(&inventory), root_(std::move(root)) {
    root_.resize(root_.find_last_not_of('/') + 1);
}

std::optional<LocalPaths::Place> LocalPaths::find(std::string_view path) const {
    std::vector<std::string> left = reversed_components(path);
    Place place{root_, {}, S_IFDIR};
    int links = 0;
    for (;;) {
        const std::string here = place.path.empty() ? "/" : place.path;
        const Mount* mount = mount_of(here, *inventory_);
        struct stat status {};
        if (mount == nullptr || !is_local(*mount) || ::lstat(here.c_str(), &status) != 0) {
            return std::nullopt;
        }
        place.device = mount->device;
        place.mode = status.st_mode;
        if (S_ISLNK(status.st_mode) && here != root_) {
            const std::string target = link_target(here);
            if (++links > kMaxLinks || target.empty()) {
                return std::nullopt;
            }
            place.path.resize(target.starts_with('/') ? root_.size() : place.path.rfind('/'));
            for (std::string& one : reversed_components(target)) {
                left.push_back(std::move(one));
            }
            continue;
        }
        if (left.empty()) {
            return place;
        }
        const std::string next = std::move(left.back());
        left.pop_back();
        if (next == "..") {
            place.path.resize(
                std::max(place.path.rfind('/') == std::string::npos ? 0 : place.path.rfind('/'),
                         root_.size()));
        } else if (next != ".") {
            place.path += '/' + next;
        }
    }
}

}  // namespace stillpoint::linux_os
