// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/vfat_support.h"

#include <sstream>
#include <vector>

#include <boost/filesystem/operations.hpp>
#include <sys/utsname.h>

#include "base/format.h"
#include "platform/linux/proc_file.h"

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    boost::system::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        entries.push_back(at->path());
    }
    return entries;
}

bool says(const fs::path& file, std::string_view text) {
    const Result<std::string> content = read_kernel_file(file.string());
    return content && content->find(text) != std::string::npos;
}

/// The folders of the kernels that may run: the running one's, or all of another root.
std::vector<fs::path> module_folders(const std::string& root) {
    const fs::path modules = fs::path(root) / "lib/modules";
    struct utsname system {};
    if (root == "/" && ::uname(&system) == 0) {
        return {modules / system.release};
    }
    return entries_of(modules);
}

/// "blacklist vfat" or "install vfat /bin/true" and the like. Source: modprobe.d(5).
bool switches_off(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string module;
    std::string command;
    words >> verb >> module >> command;
    if (module != "vfat") {
        return false;
    }
    return verb == "blacklist" ||
           (verb == "install" && (command.ends_with("/true") || command.ends_with("/false")));
}

/// The file that switches the module off; empty: none does.
std::string switched_off_by(const std::string& root) {
    for (const char* folder : {"etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d",
                               "usr/lib/modprobe.d", "lib/modprobe.d"}) {
        for (const fs::path& file : entries_of(fs::path(root) / folder)) {
            const Result<std::string> text = read_kernel_file(file.string());
            std::istringstream lines(file.extension() == ".conf" && text ? *text : std::string());
            for (std::string line; std::getline(lines, line);) {
                if (switches_off(line)) {
                    return file.string();
                }
            }
        }
    }
    return "";
}

}  // namespace

std::string why_no_vfat(const std::string& root) {
    bool module = false;
    for (const fs::path& folder : module_folders(root)) {
        if (says(folder / "modules.builtin", "/vfat.ko")) {
            return "";
        }
        module = module || says(folder / "modules.dep", "/vfat.ko");
    }
    if (const std::string file = switched_off_by(root); !file.empty()) {
        return fmt::format("the kernel's module 'vfat' is switched off in '{}'", file);
    }
    if (module || (root == "/" && says("/proc/filesystems", "\tvfat\n"))) {
        return "";
    }
    return "the kernel has no vfat filesystem";
}

}  // namespace stillpoint::linux_os
