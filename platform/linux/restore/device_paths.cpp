// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/device_paths.h"

#include <array>
#include <string_view>

#include <boost/filesystem.hpp>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

constexpr int kDeepest = 5;
/// Not ours to walk through, or only numbers.
constexpr std::array<std::string_view, 8> kPassedOver = {"pts",   "shm", "mqueue", "hugepages",
                                                         "block", "fd",  "char",   "input"};

bool is_passed_over(const std::string& name) {
    return std::ranges::find(kPassedOver, std::string_view(name)) != kPassedOver.end();
}

void walk(const fs::path& folder, int depth,
          std::map<DeviceNumber, std::vector<std::string>>& found) {
    boost::system::error_code error;
    for (fs::directory_iterator one(folder, error), end; !error && one != end;
         one.increment(error)) {
        const std::string path = one->path().string();
        struct stat about {};
        if (::lstat(path.c_str(), &about) != 0) {
            continue;
        }
        if (S_ISDIR(about.st_mode)) {
            if (depth < kDeepest && !is_passed_over(one->path().filename().string())) {
                walk(one->path(), depth + 1, found);
            }
        } else if (::stat(path.c_str(), &about) == 0 && S_ISBLK(about.st_mode)) {
            found[{major(about.st_rdev), minor(about.st_rdev)}].push_back(path);
        }
    }
}

}  // namespace

std::map<DeviceNumber, std::vector<std::string>> block_device_paths(const std::string& folder) {
    std::map<DeviceNumber, std::vector<std::string>> found;
    walk(folder, 0, found);
    for (auto& [number, paths] : found) {
        std::ranges::sort(paths);
    }
    return found;
}

}  // namespace stillpoint::linux_os
