// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/device_number.h"
#include "base/result.h"

namespace stillpoint {

/// One mount, as a mount table lists it. Nothing here was found by touching the path.
struct Mount {
    int id = 0;
    int parent_id = 0;
    DeviceNumber device;        // one per superblock
    std::string root;           // the part of the filesystem that is mounted: "/" or a subtree
    std::string mount_point;    // as seen in its own mount namespace
    std::string options;        // per mount
    std::string type;           // "ext4", "xfs", "btrfs", "fuse.sshfs", ...
    std::string source;         // "/dev/sda1", "tmpfs", "server:/export"
    std::string super_options;  // per superblock
    /// A process that lives in the mount namespace where this mount is; 0: our own namespace.
    int namespace_pid = 0;

    bool operator==(const Mount&) const = default;
};

enum class BlockKind { disk, partition, dm_crypt, dm_lvm, dm_multipath, dm_other, md, loop, other };

/// What is known of a whole disk's place in the machine.
struct DiskPlace {
    /// The LUN the platform knows the disk by; -1: the OS disk. No value: not known.
    std::optional<int> lun;
    bool resource_disk = false;  // the platform's temporary disk: never snapshotted
    bool local = false;          // a local NVMe disk: never snapshotted
    bool remote = false;         // iSCSI, nbd, rbd, FC, NVMe over a network: another machine's disk

    bool operator==(const DiskPlace&) const = default;
};

/// One block device and what it stands on.
struct BlockDevice {
    std::string name;  // as in /sys/class/block: "sda1", "dm-0", "loop3"
    DeviceNumber number;
    BlockKind kind = BlockKind::other;
    std::uint64_t size_bytes = 0;
    bool read_only = false;
    std::string disk;                // partition: the whole disk's name; else its own
    std::vector<std::string> below;  // dm, md: the devices it is made of; partition: the disk
    std::string dm_name;             // dm only
    std::string dm_uuid;             // dm only: "CRYPT-LUKS2-...", "LVM-..."
    std::string backing_file;        // loop only: as the kernel names it
    std::string raid_activity;       // md only: "idle", "resync", "reshape", ...; empty: none known
    DiskPlace place;                 // whole disks only
    bool counters_on = true;         // queue/iostats is not 0

    bool operator==(const BlockDevice&) const = default;
};

/// The devices of one btrfs filesystem, from /sys/fs/btrfs.
struct BtrfsFilesystem {
    std::string uuid;
    std::vector<std::string> devices;  // names as in BlockDevice

    bool operator==(const BtrfsFilesystem&) const = default;
};

/// An active swap area: a partition (device) or a file (path).
struct SwapArea {
    std::string path;
    bool file = false;

    bool operator==(const SwapArea&) const = default;
};

/// The machine's storage as it was at one moment: mounts of every mount namespace, block devices,
/// swap.
struct Inventory {
    std::vector<Mount> mounts;
    std::vector<BlockDevice> devices;
    std::vector<BtrfsFilesystem> btrfs;
    std::vector<SwapArea> swaps;
    /// What could not be read, as sentences: the plan goes on without it and the report says so.
    std::vector<std::string> gaps;
};

/// Reads the machine and touches nothing: no path of a mounted filesystem is looked up.
class VolumeInventory {
public:
    virtual ~VolumeInventory() = default;
    /// Errors: inventory_unreadable.
    virtual Result<Inventory> read() const = 0;
};

}  // namespace stillpoint
