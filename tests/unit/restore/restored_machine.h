// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "restore/reinstall.h"
#include "tests/fakes/fake_restore_system.h"

namespace stillpoint::testing {

inline constexpr std::uint64_t kGib = 1ULL << 30;
inline constexpr const char* kConfig = "/var/lib/azure_disk_encryption_config";

inline EncryptionHeader luks(const std::string& uuid) {
    EncryptionHeader header;
    header.format = EncryptionFormat::luks2;
    header.uuid = uuid;
    header.cipher = "aes-xts-plain64";
    header.digests.header = "digest of " + uuid;
    header.payload_offset_bytes = 16U << 20;
    return header;
}

/// A machine as Azure Disk Encryption leaves it, restored to new disks: one volume with ext4, one
/// with xfs, one encrypted in place with its header in a file; tables and passport as they were.
class RestoredMachine {
public:
    explicit RestoredMachine(const std::string& below = "") : root(below) {
        restore.root = root;
        restore.machine = {"99999999-0000-1111-2222-333333333333", "{new}"};
        restore.stale_state = [] { return StaleState(); };

        system.add_disk("sdb1", 48 << 20, {"vfat", "BEEF-0001", "BEK VOLUME", false});
        for (int lun = 0; lun < 3; ++lun) {
            system.add_key("/dev/sdb1", key_name(lun), key(lun));
        }
        add_attached(0, "sdc", "uuid-0", {"ext4", "fs-0", "", false});
        add_attached(1, "sdd", "uuid-1", {"xfs", "fs-1", "", false});
        system.add_disk("sde", 3 * kGib, {}, {lun_link(2)});
        system.add_header(root + header_file(2), luks("uuid-2"), key(2));
        system.add_inside("/dev/sde", key(2), {"ext4", "fs-2", "", false});
        system.tool_output["xfs_logprint"] = "    log tail: 32 head: 36 state: <DIRTY>\n";
        system.files[root + "/etc/crypttab"] = crypttab();
        system.files[root + "/etc/fstab"] = fstab();
        make_point();
    }

    static std::string name(int lun) { return fmt::format("vol{}", lun); }
    /// Of the first two.
    static std::string disk(int lun) { return lun == 0 ? "/dev/sdc" : "/dev/sdd"; }
    static std::string key(int lun) { return fmt::format("key-{}", lun); }
    static std::string key_name(int lun) {
        return fmt::format("LinuxPassPhraseFileName_1_{}", lun);
    }
    static std::string lun_link(int lun) { return fmt::format("/dev/disk/azure/scsi1/lun{}", lun); }
    static std::string header_file(int lun) {
        return fmt::format("{}/azureluksheader{}", kConfig, name(lun));
    }
    static std::string crypttab_line(int lun) {
        return fmt::format("{} {} /mnt/azure_bek_disk/{} luks,nofail{}", name(lun), lun_link(lun),
                           key_name(lun), lun == 2 ? ",header=" + header_file(2) : "");
    }
    static std::string fstab_line(int lun) {
        return fmt::format("/dev/mapper/{} /data{} {} nofail,defaults 0 2", name(lun), lun,
                           lun == 1 ? "xfs" : "ext4");
    }
    static std::string crypttab() {
        return "osencrypt /dev/sda3 none luks,header=/boot/luks/osluksheader\n" + crypttab_line(0) +
               "\n" + crypttab_line(1) + "\n" + crypttab_line(2) + "\n";
    }
    static std::string fstab() {
        return "/dev/mapper/osencrypt / ext4 defaults 0 1\n"
               "LABEL=BEK\\040VOLUME /mnt/azure_bek_disk auto defaults,nofail 0 0\n" +
               fstab_line(0) + "\n" + fstab_line(1) + "\n" + fstab_line(2) + "\n";
    }

    void add_attached(int lun, const std::string& disk, const std::string& uuid,
                      const DeviceContent& inside) {
        system.add_disk(disk, kGib, {"crypto_LUKS", uuid, "", false}, {lun_link(lun)});
        system.add_header("/dev/" + disk, luks(uuid), key(lun));
        system.add_inside("/dev/" + disk, key(lun), inside);
    }

    /// The volume is mounted elsewhere, by fstab and by the passport.
    void mount_at(int lun, const std::string& place) {
        const std::string was = fmt::format("/data{}", lun);
        std::string& lines = system.files[root + "/etc/fstab"];
        lines.replace(lines.find(was), was.size(), place);
        EncryptionSurvey& then = restore.point->encryption;
        then.fstab = parse_fstab(lines).entries();
        then.volumes[static_cast<std::size_t>(lun)].mounts[0].mount_point = place;
    }

    /// A file of the extension's memory: another machine's, or nobody knows whose.
    void remember(const std::string& file, bool anothers) {
        system.files[file] = "remembered";
        restore.stale_state = [this, file, anothers] {
            StaleState stale;
            if (system.files.contains(file)) {
                (anothers ? stale.to_remove : stale.undecided).push_back(file);
            }
            return stale;
        };
    }

    void make_point() {
        PointFacts point;
        point.machine = {"11111111-0000-1111-2222-333333333333", "{old}"};
        point.time = "2026-01-01 00:00:00 UTC";
        for (int lun = 0; lun < 3; ++lun) {
            EncryptedVolume volume;
            volume.mapper = name(lun);
            volume.device_path = lun_link(lun);
            volume.size_bytes = lun == 2 ? 3 * kGib : kGib;
            volume.header = luks(fmt::format("uuid-{}", lun));
            volume.header_file = lun == 2 ? header_file(2) : "";
            volume.key_file = "/mnt/azure_bek_disk/" + key_name(lun);
            volume.of_azure = true;
            volume.mounts = {{fmt::format("/data{}", lun), lun == 1 ? "xfs" : "ext4",
                              fmt::format("fs-{}", lun), "/dev/mapper/" + name(lun)}};
            volume.keys = {"https://kv/secrets/s/1", "https://kv/keys/k/1", "/sub/kv"};
            point.encryption.volumes.push_back(volume);
        }
        point.encryption.crypttab = parse_crypttab(crypttab()).entries();
        point.encryption.fstab = parse_fstab(fstab()).entries();
        restore.point = point;
    }

    ReinstallResult preview() {
        RestoreLook look(system, system, [](const std::string&) {});
        return *preview_reinstall(restore, look);
    }
    ReinstallResult apply() {
        RestoreLook look(system, system, [](const std::string&) {});
        return *apply_reinstall(
            restore, look, system, [](const std::string&) {}, stopped);
    }

    std::vector<std::string> mounted() const {
        std::vector<std::string> list;
        const std::vector<Mount> mounts = *system.mounts();
        for (const Mount& mount : mounts) {
            list.push_back(mount.mount_point);
        }
        std::ranges::sort(list);
        return list;
    }
    std::string table(const std::string& path) const { return system.files.at(root + path); }

    std::string root;
    FakeRestoreSystem system;
    RestoreCase restore;
    std::function<bool()> stopped = [] { return false; };
};

inline std::string all_of_it(const ReinstallResult& result) {
    return reinstall_text(result) + reinstall_json(result);
}

/// What is said of a thing that was left alone; null: nothing.
inline const LeftAlone* left(const ReinstallResult& result, const std::string& what) {
    for (const LeftAlone& one : result.plan.left) {
        if (one.what == what) {
            return &one;
        }
    }
    return nullptr;
}

}  // namespace stillpoint::testing
