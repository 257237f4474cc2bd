// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/open_mount.h"

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

std::optional<std::string> read_proc(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return std::nullopt;
    }
    std::string text;
    char buffer[8192];
    ssize_t size = 0;
    while ((size = ::read(fd.get(), buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<std::size_t>(size));
    }
    return size < 0 ? std::nullopt : std::optional(text);
}

/// The mount behind a descriptor: the "mnt_id" line of its fdinfo. (statx tells it too, from
/// Linux 5.8 on.) Source: proc(5), /proc/PID/fdinfo.
std::optional<int> mount_id_of(int fd) {
    const auto text = read_proc(fmt::format("/proc/self/fdinfo/{}", fd));
    const std::size_t at = text ? text->find("mnt_id:") : std::string::npos;
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::size_t number = text->find_first_of("0123456789", at);
    int id = 0;
    const auto parsed = std::from_chars(text->data() + number, text->data() + text->size(), id);
    return parsed.ec == std::errc() ? std::optional(id) : std::nullopt;
}

/// The device number that a mount table gives for a mount id. Source: proc(5), mountinfo, fields 1
/// and 3.
std::optional<DeviceNumber> device_of_mount(int mount_id, int namespace_pid) {
    const auto table =
        read_proc(namespace_pid == 0 ? "/proc/self/mountinfo"
                                     : fmt::format("/proc/{}/mountinfo", namespace_pid));
    if (!table) {
        return std::nullopt;
    }
    const std::string wanted = fmt::format("{} ", mount_id);
    std::string_view rest = *table;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.starts_with(wanted)) {
            continue;
        }
        const std::size_t parent_end = line.find(' ', wanted.size());
        const std::size_t device_end =
            parent_end == line.npos ? line.npos : line.find(' ', parent_end + 1);
        return device_end == line.npos
                   ? std::nullopt
                   : parse_device_number(line.substr(parent_end + 1, device_end - parent_end - 1));
    }
    return std::nullopt;
}

OpenedMount open_with(const MountPlace& place, int flags) {
    const std::string path = path_in_namespace(place.mount_point, place.namespace_pid);
    OpenedMount opened;
    opened.fd = UniqueFd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!opened.fd) {
        opened.error = errno;
        opened.result = FsResult::not_openable;
        return opened;
    }
    const auto id = mount_id_of(opened.fd.get());
    if (!id || *id != place.mount_id || device_of_mount(*id, place.namespace_pid) != place.device) {
        opened.fd.reset();
        opened.result = FsResult::replaced;
    }
    return opened;
}

}  // namespace

std::string path_in_namespace(const std::string& mount_point, int namespace_pid) {
    return namespace_pid == 0 ? mount_point
                              : fmt::format("/proc/{}/root{}", namespace_pid, mount_point);
}

OpenedMount open_mount(const MountPlace& place) {
    // O_NONBLOCK: what is mounted may be a single file, and a FIFO's open would wait for a writer.
    return open_with(place, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

OpenedMount open_mount_path(const MountPlace& place) {
    return open_with(place, O_PATH);
}

}  // namespace stillpoint::linux_os
