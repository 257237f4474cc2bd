// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "platform/restore_system.h"

namespace stillpoint::linux_os {

class LinuxRestoreSystem final : public RestoreSystem {
public:
    /// `root`: the folder of another system's root, links resolved; empty: there is none. What is
    /// read and written below it stays below it. A tool that only reads, and may read for hours, is
    /// ended when `stopped` says so.
    explicit LinuxRestoreSystem(
        std::string root = {}, std::function<bool()> stopped = [] { return false; })
        : root_(std::move(root)), stopped_(std::move(stopped)) {}

    Result<std::vector<RestoreDevice>> devices() const override;
    Result<std::vector<Mount>> mounts() const override;
    Result<std::string> resolve(const std::string& path) const override;
    Result<std::optional<std::string>> read(const std::string& path) const override;
    Result<std::optional<Secret>> read_key(const std::string& path) const override;
    Result<std::map<std::string, Secret>> read_keys_on(const std::string& device) const override;
    Result<std::vector<std::string>> names_in(const std::string& folder) const override;
    Result<std::string> bytes_of(const std::string& device, std::uint64_t offset,
                                 std::size_t size) const override;
    Result<std::optional<DeviceContent>> content_within(const std::string& device,
                                                        const VolumeKey& key) const override;
    Result<ToolResult> run(const std::vector<std::string>& command,
                           std::chrono::milliseconds limit) override;
    Result<std::string> replace(const std::string& path, const std::string& text) override;
    Result<std::string> remove(const std::string& path) override;
    Result<void> put_back(const std::string& path, const std::string& copy) override;
    Result<std::string> copy_beginning(const std::string& device, std::uint64_t size,
                                       const std::string& file) override;
    Result<std::vector<std::string>> make_folder(const std::string& path) override;
    Result<void> remove_folder(const std::string& path) override;

private:
    /// But for the last name: what is replaced is never what a link leads to.
    Result<std::string> place_of(const std::string& path) const;

    std::string root_;
    std::function<bool()> stopped_;
};

}  // namespace stillpoint::linux_os
