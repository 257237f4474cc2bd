// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stillpoint {

/// The files of one folder of ours (state, status, settings). Names are plain file names, never
/// paths.
class FileStore {
public:
    virtual ~FileStore() = default;

    /// The whole file, at most `limit_bytes`. Errors: file_unreadable (os: ENOENT when there is
    /// none).
    virtual Result<std::string> read(std::string_view name,
                                     std::size_t limit_bytes = 4 << 20) const = 0;

    /// Old or new content, never half of it: temporary file, fsync, rename; mode 0600.
    /// Errors: file_unwritable.
    virtual Result<void> replace(std::string_view name, std::string_view content) = 0;

    /// Success when there was none. Errors: file_unwritable.
    virtual Result<void> remove(std::string_view name) = 0;

    /// Errors: file_unwritable.
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;

    /// Names of plain files, newest modification first. Errors: file_unreadable.
    virtual Result<std::vector<std::string>> list() const = 0;
};

}  // namespace stillpoint
