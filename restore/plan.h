// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "restore/facts.h"

namespace stillpoint {

struct MountKeyVolume {
    std::string device;
    std::string mount_point;
};

/// LUKS2: writes the valid copy of a header over the damaged one.
struct RepairHeader {
    std::string device;
    std::string copy;  // the file that keeps what was there
    std::uint64_t copy_bytes = 0;
};

struct OpenVolume {
    std::string name;
    std::string device;
    std::string header_file;  // empty: on the device
    std::string key_file;
    KeyPart key_part;
    bool discard = false;
    bool read_only = false;
};

/// Opens a volume read-only under a name of ours, reads the lines that Azure Disk Encryption keeps
/// in its filesystem, and closes it again.
struct LookInside {
    std::string device;
    std::string key_file;
    std::string filesystem;  // its type
};

struct RenameVolumeGroup {
    std::string group;  // its name, or its UUID where two have that name
    std::string old_name;
    std::string name;  // the new one
    /// The physical volumes of a copy, whose own UUIDs are renewed as well; empty: they are unique.
    std::vector<std::string> copies;
};

struct ActivateVolumeGroup {
    std::string group;
    std::vector<std::string> inactive;  // its logical volumes that were not active before
};

struct ReplaceTable {
    std::string path;
    std::optional<std::string> before;  // that `text` was made from; no value: there was no file
    std::string text;
};

struct MountFilesystem {
    std::string source;
    std::string mount_point;
    std::string type;
    std::string options;
};

struct ResetState {
    std::vector<std::string> files;
};

using RestoreAction =
    std::variant<MountKeyVolume, RepairHeader, OpenVolume, LookInside, RenameVolumeGroup,
                 ActivateVolumeGroup, ReplaceTable, MountFilesystem, ResetState>;

enum class Permission {
    none,
    repair_headers,
    rename_volume_groups,
    replay_journals,
    reset_identity
};

/// "--repair-headers"; empty for none.
std::string_view option_for(Permission permission);

struct RestoreStep {
    RestoreAction action;
    std::string does;     // a sentence for people
    std::string changes;  // what is different on disks afterwards; empty: nothing
    std::string undo;     // how it is taken back; empty: it stays, whatever fails later
    Permission permission = Permission::none;  // the one that it has
    std::string volume;                        // whose step it is; empty: of all
    std::vector<std::string> partners;         // volumes that share its volume's fate
    /// It cannot be done before earlier steps were, and is planned anew then.
    bool later = false;
};

/// Something that is left as it is, and why.
struct LeftAlone {
    std::string what;  // the volume's name, a mount point, a file
    Code code = Code::needs_permission;
    std::string why;                           // a sentence
    Permission permission = Permission::none;  // what would allow it
    std::string does;                          // what would be done with that permission
};

struct RestorePlan {
    /// No value: it cannot be told.
    std::optional<bool> restored;
    std::vector<std::string> findings;  // sentences
    std::vector<RestoreStep> steps;     // in order
    std::vector<LeftAlone> left;
    std::vector<std::string> by_hand;  // sentences
};

/// What there is to do on this machine. Pure; nothing to do gives no steps.
RestorePlan plan_restore(const RestoreFacts& facts, const RestoreChoices& choices);

/// A device on which the key files have to be tried, in this order.
struct ProofWanted {
    std::string device;
    std::string header_file;  // as it is now; empty: on the device
    std::vector<KeyFile> keys;
};
std::vector<ProofWanted> proofs_wanted(const RestoreFacts& facts, const RestoreChoices& choices);

}  // namespace stillpoint
