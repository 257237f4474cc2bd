// SPDX-License-Identifier: Apache-2.0
#include "agent/notice_unit.h"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/child_process.h"
#include "platform/linux/directory_store.h"
#include "platform/linux/systemd.h"

namespace stillpoint {
namespace {

using linux_os::DirectoryStore;

constexpr const char* kFolder = "/etc/systemd/system";
constexpr const char* kName = "stillpoint-restored.service";
constexpr const char* kWantedFolder = "/etc/systemd/system/multi-user.target.wants";
constexpr const char* kLink =
    "/etc/systemd/system/multi-user.target.wants/stillpoint-restored.service";

/// What needs no quoting, in a unit or for a shell.
bool is_plain(const std::string& path) {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
    return !path.empty() && path.find_first_not_of(kLetters) == std::string::npos;
}

}  // namespace

std::string notice_unit_text(const std::string& program) {
    return fmt::format(
        "[Unit]\n"
        "Description=Tell whether this machine was restored (Stillpoint)\n"
        "ConditionPathExists={0}\n"
        "After=local-fs.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "ExecStart=/bin/sh -c 'exec {0} notice'\n"
        "TimeoutStartSec=infinity\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n",
        program);
}

Result<void> install_notice_unit() {
    const std::string program = linux_os::own_program();
    if (!linux_os::systemd_runs() || !is_plain(program)) {
        return {};
    }
    Result<DirectoryStore> folder = DirectoryStore::open(kFolder);
    if (!folder) {
        return folder.error();
    }
    const std::string text = notice_unit_text(program);
    const Result<std::string> present = folder->read(kName);
    if (!present || *present != text) {
        if (Result<void> written = folder->replace(kName, text); !written) {
            return written;
        }
        // The store makes files for root alone; systemd would warn of that at each look.
        (void)::chmod(kNoticeUnit, 0644);
    }
    (void)::mkdir(kWantedFolder, 0755);
    if (::symlink(kNoticeUnit, kLink) != 0 && errno != EEXIST) {
        return fail(Code::file_unwritable, fmt::format("cannot make the link '{}'", kLink))
            .with_errno(errno);
    }
    return {};
}

Result<void> remove_notice_unit() {
    Result<DirectoryStore> folder = DirectoryStore::open(kFolder);
    const Result<std::string> present =
        folder ? folder->read(kName) : Result<std::string>(folder.error());
    if (!present || *present != notice_unit_text(linux_os::own_program())) {
        return {};
    }
    if (::unlink(kLink) != 0 && errno != ENOENT) {
        return fail(Code::file_unwritable, fmt::format("cannot remove the link '{}'", kLink))
            .with_errno(errno);
    }
    return folder->remove(kName);
}

}  // namespace stillpoint
