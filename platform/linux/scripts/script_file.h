// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "platform/linux/guard/unique_fd.h"
#include "platform/script_system.h"

namespace stillpoint::linux_os {

class OpenedFile final : public ScriptFile {
public:
    /// Takes over what was opened under `path`. Errors: file_unreadable.
    static Result<std::shared_ptr<const OpenedFile>> of(UniqueFd fd, const std::string& path);

    const FileFacts& facts() const override { return facts_; }
    Result<std::string> read(std::size_t limit) const override;
    int fd() const { return fd_.get(); }

private:
    OpenedFile(UniqueFd fd, FileFacts facts) : fd_(std::move(fd)), facts_(std::move(facts)) {}
    UniqueFd fd_;
    FileFacts facts_;
};

/// Null: there is no such file. Never waits for a device or a pipe. Errors: file_unreadable.
Result<std::shared_ptr<const OpenedFile>> open_file(const std::string& path);

/// SHA-256 of the whole file behind `fd`, in hex; does not move its position. Errors:
/// file_unreadable.
Result<std::string> digest_of(int fd);

}  // namespace stillpoint::linux_os
