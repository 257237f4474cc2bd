// SPDX-License-Identifier: Apache-2.0
#include "snapshot/filesystem_kind.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace stillpoint {
namespace {

// Those whose super operations have freeze_fs or freeze_super; FIFREEZE answers EOPNOTSUPP to all
// others. Source: Linux, fs/ioctl.c, ioctl_fsfreeze, and each filesystem's super_operations.
constexpr std::array<std::string_view, 10> kFreezes = {
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "reiserfs", "xfs"};

constexpr std::array<std::string_view, 3> kClustered = {"gfs2", "ocfs2", "lustre"};

constexpr std::array<std::string_view, 21> kNetwork = {
    "9p",    "acfs", "afs",   "afpfs",  "beegfs", "ceph",     "cifs",
    "coda",  "gpfs", "mmfs",  "ncpfs",  "nfs",    "nfs4",     "orangefs",
    "panfs", "smb3", "smbfs", "prl_fs", "vboxsf", "virtiofs", "wekafs"};

bool among(std::span<const std::string_view> types, std::string_view type) {
    return std::ranges::find(types, type) != types.end();
}

}  // namespace

FilesystemKind kind_of(const Mount& mount) {
    const std::string_view type = mount.type;
    if (type == "fuseblk" || type.starts_with("fuseblk.")) {
        return FilesystemKind::fuse_block;
    }
    if (type == "fuse" || type.starts_with("fuse.")) {
        return FilesystemKind::fuse;
    }
    if (type == "zfs") {
        return FilesystemKind::zfs;
    }
    if (among(kNetwork, type)) {
        return FilesystemKind::network;
    }
    if (among(kClustered, type)) {
        return FilesystemKind::clustered;
    }
    // Filesystems that manage several devices have a number of their own with major 0.
    if (mount.device.major == 0 && type != "btrfs" && type != "bcachefs") {
        return FilesystemKind::pseudo;
    }
    return among(kFreezes, type) ? FilesystemKind::freezes : FilesystemKind::only_synced;
}

}  // namespace stillpoint
