// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/file_store.h"

namespace stillpoint::testing {

/// A folder in memory. Refuses what the real one refuses.
class FakeFileStore final : public FileStore {
public:
    /// Every change from now on fails with this errno; 0: none does.
    void fail_changes(int number) { change_errno_ = number; }

    bool holds(std::string_view name) const { return files_.contains(std::string(name)); }
    std::optional<std::string> content(std::string_view name) const {
        const auto found = files_.find(std::string(name));
        return found == files_.end() ? std::nullopt : std::optional(found->second.content);
    }
    int changes() const { return clock_; }

    Result<std::string> read(std::string_view name, std::size_t limit_bytes) const override {
        const auto found = files_.find(std::string(name));
        if (found == files_.end()) {
            return fail(Code::file_unreadable, "cannot open '" + std::string(name) + "'")
                .with_errno(ENOENT);
        }
        if (found->second.content.size() > limit_bytes) {
            return fail(Code::file_unreadable, "'" + std::string(name) + "' is too large")
                .with_errno(EFBIG);
        }
        return found->second.content;
    }

    Result<void> replace(std::string_view name, std::string_view content) override {
        if (auto refused = refuse(name)) {
            return *refused;
        }
        files_[std::string(name)] = {std::string(content), ++clock_};
        return {};
    }

    Result<void> remove(std::string_view name) override {
        if (auto refused = refuse(name)) {
            return *refused;
        }
        files_.erase(std::string(name));
        return {};
    }

    Result<void> rename(std::string_view from, std::string_view to) override {
        auto refused = refuse(from);
        refused = refused ? refused : refuse(to);
        if (refused) {
            return *refused;
        }
        const auto found = files_.find(std::string(from));
        if (found == files_.end()) {
            return fail(Code::file_unwritable, "cannot rename '" + std::string(from) + "'")
                .with_errno(ENOENT);
        }
        File file = std::move(found->second);  // keeps its modification time
        files_.erase(found);
        files_[std::string(to)] = std::move(file);
        return {};
    }

    Result<std::vector<std::string>> list() const override {
        std::vector<std::pair<int, std::string>> found;
        for (const auto& [name, file] : files_) {
            found.emplace_back(-file.modified, name);
        }
        std::ranges::sort(found);
        std::vector<std::string> names;
        for (auto& [modified, name] : found) {
            names.push_back(std::move(name));
        }
        return names;
    }

private:
    struct File {
        std::string content;
        int modified = 0;
    };

    std::optional<Error> refuse(std::string_view name) const {
        if (name.empty() || name == "." || name == ".." ||
            name.find('/') != std::string_view::npos) {
            return fail(Code::file_unwritable, "'" + std::string(name) + "' is no file name");
        }
        if (change_errno_ != 0) {
            return fail(Code::file_unwritable, "cannot change '" + std::string(name) + "'")
                .with_errno(change_errno_);
        }
        return std::nullopt;
    }

    std::map<std::string, File> files_;
    int clock_ = 0;
    int change_errno_ = 0;
};

}  // namespace stillpoint::testing
