// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "handlers/handler_environment.h"
#include "handlers/sequence.h"
#include "handlers/status_map.h"
#include "platform/linux/directory_store.h"

namespace stillpoint {

/// What every handler command works on: the extension's folder (the working directory of a command)
/// and the folders that the VM agent named in it.
class HandlerContext {
public:
    /// Errors: file_unreadable, settings_malformed, when HandlerEnvironment.json cannot be used;
    /// then there is no place for a status document either.
    static Result<HandlerContext> load();

    const HandlerEnvironment& environment() const { return environment_; }
    /// The extension's own.
    const std::string& folder() const { return folder_; }
    /// "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.0.0"
    const std::string& folder_name() const { return folder_name_; }
    /// Where the VM agent keeps certificates and HostingEnvironmentConfig.xml.
    const std::string& agent_folder() const { return agent_folder_; }
    std::string version() const { return extension_version(folder_name_); }

    FileStore& config() { return config_; }
    FileStore& status() { return status_; }
    FileStore& extension() { return extension_; }
    FileStore& durable() { return durable_; }
    /// kDurableFolder; the extension's own folder where that one cannot be written.
    const std::string& durable_folder() const { return durable_folder_; }
    StateFiles state() { return StateFiles(extension_, durable_); }

    /// ConfigSequenceNumber, or without it the newest settings file's; none when there is neither.
    std::optional<int> sequence() const;

    /// The guid of this machine as the VM agent knows it; empty: unknown.
    std::string machine_identity() const;

    /// SEQ.status says how the run ended.
    bool has_ended(int sequence) const;

    /// Takes the protected settings out of SEQ.settings, whose text is given: they stay on the disk
    /// no longer than needed. Errors: settings_malformed, file_unwritable.
    Result<void> forget_protected_settings(int sequence, const std::string& text);

    /// Writes SEQ.status. Errors: file_unwritable.
    Result<void> write_status(int sequence, const StatusDocument& document);

    DocumentOrigin origin(const Clock& clock);

private:
    HandlerContext(HandlerEnvironment environment, std::string folder,
                   linux_os::DirectoryStore config, linux_os::DirectoryStore status,
                   linux_os::DirectoryStore extension, std::string durable_folder,
                   linux_os::DirectoryStore durable);

    HandlerEnvironment environment_;
    std::string folder_;
    std::string folder_name_;
    std::string agent_folder_;
    linux_os::DirectoryStore config_;
    linux_os::DirectoryStore status_;
    linux_os::DirectoryStore extension_;
    std::string durable_folder_;
    linux_os::DirectoryStore durable_;
};

/// State that outlives the extension's versions.
inline constexpr const char* kDurableFolder = "/var/lib/stillpoint";

}  // namespace stillpoint
