// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/file_store.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {

/// A FileStore on one folder, held open: the folder may be renamed meanwhile, and nothing outside
/// it is ever reached. Symbolic links in it are never followed, files are 0600.
class DirectoryStore final : public FileStore {
public:
    enum class Missing { fails, created };

    /// Opens `folder`; with Missing::created makes it (0700, its parents 0755) if there is none.
    /// Errors: file_unreadable, file_unwritable.
    static Result<DirectoryStore> open(const std::string& folder, Missing missing = Missing::fails);

    Result<std::string> read(std::string_view name,
                             std::size_t limit_bytes = 4 << 20) const override;
    Result<void> replace(std::string_view name, std::string_view content) override;
    Result<void> remove(std::string_view name) override;
    Result<void> rename(std::string_view from, std::string_view to) override;
    Result<std::vector<std::string>> list() const override;

private:
    DirectoryStore(UniqueFd folder, std::string path)
        : folder_(std::move(folder)), path_(std::move(path)) {}

    Error failure(Code code, std::string_view what, std::string_view name, int number) const;
    Result<void> put_in_place(std::string_view temporary, std::string_view name);

    UniqueFd folder_;
    std::string path_;
};

}  // namespace stillpoint::linux_os
