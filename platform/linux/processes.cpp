// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/processes.h"

#include <charconv>
#include <optional>

#include <boost/filesystem.hpp>
#include <unistd.h>

#include "platform/linux/proc_file.h"

namespace stillpoint::linux_os {
namespace {

constexpr int kMostAncestors = 8;

/// Field 4 of /proc/PID/stat; the second one is in brackets and may hold anything. Source: proc(5).
std::optional<int> parent_of(int pid) {
    const auto stat = read_kernel_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t close = stat ? stat->rfind(')') : std::string::npos;
    constexpr std::size_t kFieldsBetween = 4;  // ") S "
    if (close == std::string::npos || close + kFieldsBetween >= stat->size()) {
        return std::nullopt;
    }
    int parent = 0;
    const char* from = stat->data() + close + kFieldsBetween;
    const auto read = std::from_chars(from, stat->data() + stat->size(), parent);
    return read.ec == std::errc() && parent > 0 ? std::optional(parent) : std::nullopt;
}

std::vector<std::string> words_of(std::string_view command_line) {
    std::vector<std::string> words;
    while (!command_line.empty()) {
        const std::size_t end = command_line.find('\0');
        words.emplace_back(command_line.substr(0, end));
        command_line.remove_prefix(end == std::string_view::npos ? command_line.size() : end + 1);
    }
    return words;
}

}  // namespace

std::vector<std::vector<std::string>> commands_above() {
    std::vector<std::vector<std::string>> commands;
    std::optional<int> pid = ::getppid();
    for (int depth = 0; depth < kMostAncestors && pid && *pid > 0; ++depth) {
        if (const auto line = read_kernel_file("/proc/" + std::to_string(*pid) + "/cmdline")) {
            commands.push_back(words_of(*line));
        }
        pid = parent_of(*pid);
    }
    return commands;
}

std::vector<std::string> process_names() {
    std::vector<std::string> names;
    boost::system::error_code error;
    for (boost::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            if (auto process = read_attribute("/proc/" + name + "/comm")) {
                names.push_back(*std::move(process));
            }
        }
    }
    return names;
}

}  // namespace stillpoint::linux_os
