// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// extension.log in the VM agent's log folder. Several processes of ours may write to it at once:
/// each line is one write at its end. Readable by its owner alone, whoever made it; a link or a
/// pipe in its place is not written to. A log file that cannot be written is no reason to fail.
class LogFile {
public:
    /// Past this the file becomes extension.log.1, which replaces the one before it.
    static constexpr off_t kRotateBytes = 5 << 20;

    /// One that writes nowhere.
    LogFile() = default;
    explicit LogFile(const std::string& folder);

    bool is_open() const { return static_cast<bool>(fd_); }
    void write(std::string_view line) const;

private:
    UniqueFd fd_;
};

}  // namespace stillpoint::linux_os
