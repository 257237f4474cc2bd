// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "platform/encryption_headers.h"
#include "platform/inventory.h"

namespace stillpoint {

/// What a look at the beginning of a device says: blkid's words.
struct DeviceContent {
    std::string type;  // "ext4", "xfs", "LVM2_member", "crypto_LUKS"; empty: nothing known
    std::string uuid;
    std::string label;
    bool ambivalent = false;  // signatures of more than one kind

    bool operator==(const DeviceContent&) const = default;
};

/// A block device that could hold a volume.
struct RestoreDevice {
    BlockDevice block;
    std::string path;                // "/dev/sdc1", "/dev/mapper/data"
    std::vector<std::string> links;  // other paths that lead to it
    std::string part_uuid;
    int partition = 0;  // its number; 0: no partition
    DeviceContent content;
    bool unreadable = false;  // nothing is known of its content

    bool operator==(const RestoreDevice&) const = default;
};

struct ToolResult {
    int exit_code = 0;
    std::string output;
    std::string errors;
};

/// What is done to a machine whose disks are brought back. Everything looks before it acts, and
/// each change can be undone by another call.
class RestoreSystem {
public:
    virtual ~RestoreSystem() = default;

    /// Errors: inventory_unreadable.
    virtual Result<std::vector<RestoreDevice>> devices() const = 0;
    /// Those of our own mount namespace. Errors: inventory_unreadable.
    virtual Result<std::vector<Mount>> mounts() const = 0;

    /// Where a path leads, its links followed; a path below another system's root, as that system
    /// would follow them. Errors: file_unreadable.
    virtual Result<std::string> resolve(const std::string& path) const = 0;

    /// No value: there is no such file. Errors: file_unreadable.
    virtual Result<std::optional<std::string>> read(const std::string& path) const = 0;
    /// The bytes as they are. No value: there is no such file. Errors: file_unreadable.
    virtual Result<std::optional<Secret>> read_key(const std::string& path) const = 0;
    /// The files at the top of a volume that is not mounted, by name; nobody else sees that it is
    /// read, and nothing is written. Errors: volume_unreadable.
    virtual Result<std::map<std::string, Secret>> read_keys_on(const std::string& device) const = 0;
    /// The names in a folder; none when there is no such folder. Errors: file_unreadable.
    virtual Result<std::vector<std::string>> names_in(const std::string& folder) const = 0;
    /// `size` bytes of a device. Errors: volume_unreadable.
    virtual Result<std::string> bytes_of(const std::string& device, std::uint64_t offset,
                                         std::size_t size) const = 0;
    /// What decrypting the device's beginning shows; no value: this cipher cannot be decrypted
    /// here. Errors: volume_unreadable.
    virtual Result<std::optional<DeviceContent>> content_within(const std::string& device,
                                                                const VolumeKey& key) const = 0;

    /// Runs one of the system's tools, without a shell. Whatever its exit code, that is a value.
    /// Errors: restore_step_failed: there is no such tool, or it did not end in time.
    virtual Result<ToolResult> run(const std::vector<std::string>& command,
                                   std::chrono::milliseconds limit) = 0;

    /// The old or the new text, never half of it; mode, owner and label stay. Gives the path of the
    /// copy that is kept; empty: there was no file. Errors: file_unwritable.
    virtual Result<std::string> replace(const std::string& path, const std::string& text) = 0;
    /// Takes a file away; gives the path of the copy that is kept; empty: there was none.
    virtual Result<std::string> remove(const std::string& path) = 0;
    /// Undoes replace() or remove(): the copy, or no file. Errors: file_unwritable.
    virtual Result<void> put_back(const std::string& path, const std::string& copy) = 0;
    /// The first `size` bytes of a device in a file that only root reads; an older one stays, so
    /// the name that it got is given. Errors: volume_unreadable, file_unwritable.
    virtual Result<std::string> copy_beginning(const std::string& device, std::uint64_t size,
                                               const std::string& file) = 0;

    /// Makes a folder and those above it; gives those that were made, outermost first.
    /// Errors: file_unwritable.
    virtual Result<std::vector<std::string>> make_folder(const std::string& path) = 0;
    /// Only an empty one. Errors: file_unwritable.
    virtual Result<void> remove_folder(const std::string& path) = 0;
};

}  // namespace stillpoint
