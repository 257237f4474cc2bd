// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "encryption/survey.h"
#include "encryption/tables.h"
#include "platform/restore_system.h"

namespace stillpoint {

/// Who a machine is, as far as it can be known from inside.
struct MachineName {
    std::string product_uuid;  // the firmware's; empty: unknown
    std::string identity;      // the VM agent's; empty: unknown

    bool operator==(const MachineName&) const = default;
};

/// What a recovery point says about itself.
struct PointFacts {
    MachineName machine;
    std::string time;  // as people write it
    EncryptionSurvey encryption;
};

/// A file of lines as it stands; no value: there is none.
struct TableText {
    std::string path;  // with the root's folder before it
    std::optional<std::string> text;
};

/// What Azure Disk Encryption keeps inside each filesystem that it encrypted: the lines for it.
struct KeptLines {
    std::string crypttab;
    std::string fstab;
    std::string azure_crypt_mount;

    bool operator==(const KeptLines&) const = default;
};

/// A volume with key files: it is known by its label, so there can be more than one.
struct KeyVolume {
    std::string device;
    std::string mounted_at;              // empty: it is not
    std::vector<std::string> key_files;  // names
    std::string problem;                 // why it could not be read
};

/// A key file: a name on a key volume, or a path.
struct KeyFile {
    std::string volume;  // the key volume's device; empty: `name` is a path as it is now
    std::string name;
    KeyPart part = {};

    auto operator<=>(const KeyFile&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// What trying keys on a device showed.
struct Proof {
    std::string device;
    std::string header_file;        // as it is now; empty: on the device
    std::optional<KeyFile> key;     // the one that opens it; no value: none does
    Code code = Code::key_missing;  // why none does
    std::string problem;
    /// What the key shows inside; no value: it cannot be told without opening.
    std::optional<DeviceContent> content;
};

enum class FilesystemVerdict {
    sound,
    needs_replay,  // its journal holds more than a freeze leaves
    damaged,
    unknown,  // nothing here can tell
};

struct FilesystemFacts {
    FilesystemVerdict verdict = FilesystemVerdict::unknown;
    std::string detail;  // what was seen, as a clause
    /// Files that were deleted while still open: whatever mounts it frees them.
    bool has_orphans = false;
};

/// A volume group, as LVM tells.
struct VolumeGroup {
    std::string name;
    std::string uuid;
    std::vector<std::string> devices;  // of its physical volumes, as LVM prints them
    std::vector<std::string> volumes;  // names of its logical volumes
    std::vector<std::string> inactive;
    bool incomplete = false;  // a physical volume is missing
};

/// What the extension remembers of another machine: files.
struct StaleState {
    std::vector<std::string> to_remove;
    std::vector<std::string> undecided;  // it cannot be told whether they are another machine's
};

/// Everything that planning looks at. Paths are as they are now: below `root`, where there is one.
struct RestoreFacts {
    std::string root;  // empty: this system's own; "/mnt/restored"
    std::optional<PointFacts> point;
    std::string point_problem;  // why there is no point
    MachineName machine;
    TableText crypttab;
    TableText fstab;
    TableText azure_crypt_mount;
    std::vector<RestoreDevice> devices;
    /// By the device's path.
    std::map<std::string, EncryptionHeader> headers;
    /// Those of detached header files, by path as it is now.
    std::map<std::string, EncryptionHeader> header_files;
    std::vector<Mount> mounts;
    /// Where folders of tables and passport are, links followed: by path inside the root.
    std::map<std::string, std::string> folders;
    std::vector<KeyVolume> key_volumes;
    /// Names of key files that stand for no one key: another name has the same, or the name has
    /// two.
    std::set<std::string> unclear_keys;
    std::vector<Proof> proofs;
    std::map<std::string, KeptLines> kept_lines;  // by the encrypted device's path
    std::map<std::string, FilesystemFacts> filesystems;
    std::vector<VolumeGroup> volume_groups;
    std::string lvm_problem;  // why that list is not whole
    StaleState stale_state;
    std::vector<std::string> gaps;
};

/// What the person at the machine allows and chooses.
struct RestoreChoices {
    std::map<std::string, std::string> devices;  // --device VOLUME=PATH
    bool repair_headers = false;
    bool rename_volume_groups = false;
    bool replay_journals = false;
    bool reset_identity = false;
};

}  // namespace stillpoint
