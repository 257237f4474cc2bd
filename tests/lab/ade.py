#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest with Azure Disk Encryption's layout on its disks: an encrypted root whose header is a file in /boot, data
disks with their header on them and one, encrypted in place, with its header on root, LVM on an encrypted disk, and a
volume with the key files.

    ade.py              builds it, if these sources have not been built yet, and prints its folder

The sources of the layout: VMEncryption in https://github.com/Azure/azure-linux-extensions, and its documents.
"""
import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import lab  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
UUID = "7a1c0de0-0001-4000-8000-00000000a5e1"
OS_DISK_MB, KEYS_MB = 1600, 40
DISKS = {0: 128, 1: 384, 2: 256, 3: 128}
DATA = ("/data/luks1", "/data/luks2", "/data/lvm", "/data/inplace")
MAPPERS = ("1a6b0000-0000-4000-8000-000000000000", "1a6b0000-0000-4000-8000-000000000001",
           "1a6b0000-0000-4000-8000-000000000002", "1a6b0000-0000-4000-8000-000000000003")
CONFIG = "/var/lib/azure_disk_encryption_config"
KEYS = "/mnt/azure_bek_disk"
DEVICE_TIMEOUT = "/etc/systemd/system.conf.d/device-timeout.conf"
HEADER = f"{CONFIG}/azureluksheader{MAPPERS[3]}"
CRYPTTAB = (f"{MAPPERS[0]} /dev/disk/azure/scsi1/lun0 {KEYS}/LinuxPassPhraseFileName_1_0 luks,nofail",
            f"{MAPPERS[1]} /dev/disk/azure/scsi1/lun1 {KEYS}/LinuxPassPhraseFileName_1_1 luks,nofail",
            f"{MAPPERS[2]} /dev/disk/azure/scsi1/lun2 {KEYS}/LinuxPassPhraseFileName_1_2 luks,nofail",
            f"{MAPPERS[3]} /dev/disk/azure/scsi1/lun3-part1 {KEYS}/LinuxPassPhraseFileName_1_3 "
            f"luks,nofail,header={HEADER}")
OS_LINE = ("osencrypt /dev/vda3 none luks,discard,header=/boot/luks/osluksheader,"
           "keyscript=/usr/sbin/azure_crypt_key.sh")
FSTAB = (f"/dev/mapper/{MAPPERS[0]} /data/luks1 ext4 nofail,defaults 0 2",
         f"/dev/mapper/{MAPPERS[1]} /data/luks2 xfs nofail,defaults 0 2",
         "/dev/vg/data /data/lvm btrfs nofail,defaults 0 2",
         f"/dev/mapper/{MAPPERS[3]} /data/inplace auto defaults,nofail,discard 0 0")
OS_FSTAB = """/dev/mapper/osencrypt / ext4 rw,relatime 0 0
LABEL=boot /boot ext2 defaults 0 0
LABEL=EFI /boot/efi vfat defaults 0 0
LABEL=BEK\\040VOLUME /mnt/azure_bek_disk auto defaults,discard,nofail 0 0
"""
CONFIG_INI = f"""[azure_crypt_config]
bekfilename = LinuxPassPhraseFileName
volumetype = All
secreturi = https://vault.example/secrets/lab/1
secretseqnum = 1
"""

# On the lab's own guest: the OS disk to be is LUN 8 there, the disk for the keys LUN 9.
FORMAT = f"""set -e
lun() {{ readlink -f /dev/disk/azure/scsi1/lun$1; }}
quick='--batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000'
printf '2048,,0x0c\\n' | sfdisk -q $(lun 9)
printf 'size=36M, type=U\\nsize=80M, type=L\\ntype=L\\n' | sfdisk -q --label gpt $(lun 8)
printf 'type=L\\n' | sfdisk -q --label gpt $(lun 3)
udevadm settle
part() {{ readlink -f /dev/disk/azure/scsi1/lun$1-part$2; }}
mkfs.vfat -n 'BEK VOLUME' $(part 9 1) >/dev/null
mkfs.vfat -n EFI $(part 8 1) >/dev/null
mkfs.ext2 -q -L boot $(part 8 2)
mkdir -p /run/n /run/bek /run/headers
mount $(part 9 1) /run/bek
for name in '' _1_0 _1_1 _1_2 _1_3; do # 172 characters and no newline
    head -c 127 /dev/urandom | base64 -w 0 >/run/bek/LinuxPassPhraseFileName$name
done
key=/run/bek/LinuxPassPhraseFileName
truncate -s 32M /run/headers/os /run/headers/inplace
cryptsetup luksFormat $quick --type luks2 --header /run/headers/os $(part 8 3) $key
cryptsetup luksFormat $quick --type luks1 --header /run/headers/inplace $(part 3 1) ${{key}}_1_3
cryptsetup luksFormat $quick --type luks1 $(lun 0) ${{key}}_1_0
cryptsetup luksFormat $quick --type luks2 $(lun 1) ${{key}}_1_1
cryptsetup luksFormat $quick --type luks2 $(lun 2) ${{key}}_1_2
cryptsetup open --key-file $key --header /run/headers/os $(part 8 3) newroot
cryptsetup open --key-file ${{key}}_1_0 $(lun 0) c0
cryptsetup open --key-file ${{key}}_1_1 $(lun 1) c1
cryptsetup open --key-file ${{key}}_1_2 $(lun 2) c2
cryptsetup open --key-file ${{key}}_1_3 --header /run/headers/inplace $(part 3 1) c3
mkfs.ext4 -q /dev/mapper/newroot
mkfs.ext4 -q /dev/mapper/c0
mkfs.xfs -q /dev/mapper/c1
pvcreate -q /dev/mapper/c2
vgcreate -q vg /dev/mapper/c2
lvcreate -q -y -l 90%FREE -n data vg
mkfs.btrfs -q -m single -d single /dev/vg/data
mkfs.ext4 -q /dev/mapper/c3
"""
# The copy that Azure Disk Encryption keeps of a disk's lines inside its filesystem; members of LVM have none.
FILL = """set -e
mount /dev/mapper/{device} /run/n
mkdir /run/n/.azure_ade_backup_mount_info
printf '\\n%s\\n' '{crypttab}' >/run/n/.azure_ade_backup_mount_info/crypttab_line
printf '%s\\n' '{fstab}' >/run/n/.azure_ade_backup_mount_info/fstab_line
umount /run/n
"""
INSTALL = f"""set -e
mount /dev/mapper/newroot /run/n
cp -ax /. /run/n
mkdir -p /run/n/boot /run/n/data /run/n{CONFIG} /run/n{KEYS} {' '.join('/run/n' + one for one in DATA)}
mount $(readlink -f /dev/disk/azure/scsi1/lun8-part2) /run/n/boot
mkdir -p /run/n/boot/efi /run/n/boot/luks
cp /run/headers/os /run/n/boot/luks/osluksheader
cp /run/headers/inplace /run/n{HEADER}
chmod 600 /run/n/boot/luks/osluksheader /run/n{HEADER}
cat >/run/n{CONFIG}/azure_crypt_config.ini
ln -sf /dev/null /run/n/etc/systemd/system/systemd-ask-password-console.path
# On a busy machine an emulated one needs longer than the usual 90 s to find its disks.
mkdir -p /run/n/etc/systemd/system.conf.d
printf '[Manager]\\nDefaultDeviceTimeoutSec=300s\\n' >/run/n{DEVICE_TIMEOUT}
umount /run/n/boot
"""
CLOSE = """set -e
umount /run/n /run/bek
vgchange -q -an vg
for name in newroot c0 c1 c2 c3; do cryptsetup close $name; done
sync
"""


class Images:
    """Where the guest's images are."""

    def __init__(self, folder):
        self.root, self.keys = folder / "os.qcow2", folder / "keys.qcow2"
        self.disks = {lun: folder / f"data{lun}.qcow2" for lun in DISKS}

    def overlays(self, folder):
        folder = pathlib.Path(folder)
        made = Images(folder)
        for mine, theirs in zip([made.root, made.keys, *made.disks.values()],
                                [self.root, self.keys, *self.disks.values()]):
            lab.new_disk(mine, backing=theirs)
        return made


def make(base, images):
    """Formats the disks in the lab's own guest, and copies its system onto the encrypted root."""
    lab.new_disk(images.root, OS_DISK_MB)
    lab.new_disk(images.keys, KEYS_MB)
    for lun, size in DISKS.items():
        lab.new_disk(images.disks[lun], size)
    with tempfile.TemporaryDirectory(prefix="sp-ade-") as folder:
        with lab.cold_guest(folder, base, {**images.disks, 8: images.root, 9: images.keys}) as guest:
            guest.run("systemctl is-system-running --wait; udevadm settle", lab.BOOT_LIMIT_S, check=False)
            guest.run(FORMAT, lab.BOOT_LIMIT_S)
            for number in (0, 1, 3):
                guest.run(FILL.format(device=f"c{number}", crypttab=CRYPTTAB[number], fstab=FSTAB[number]))
            guest.run(INSTALL, lab.BOOT_LIMIT_S, data=CONFIG_INI.encode())
            guest.run("cat >/run/n/etc/crypttab", data="".join(f"\n{line}\n" for line in (OS_LINE, *CRYPTTAB)).encode())
            guest.run("cat >/run/n/etc/fstab", data=(OS_FSTAB + "".join(f"{line}\n" for line in FSTAB)).encode())
            guest.run(CLOSE)


def built():
    """(folder of the lab, folder of this guest), which is saved there with everything mounted."""
    base = lab.built()
    sources = b"".join((HERE / name).read_bytes() for name in ("ade.py", "lab.py"))
    folder = base / f"ade-{hashlib.sha256(sources).hexdigest()[:16]}"
    with open(base / "ade.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(base, folder)
            (folder / "complete").touch()
    return base, folder


def build(base, folder):
    begun = time.monotonic()
    images = Images(folder)
    make(base, images)
    print(f"ade: formatted after {time.monotonic() - begun:.0f} s", file=sys.stderr)
    with lab.Guest(base, folder, images.root, images.disks, keys=images.keys, uuid=UUID) as guest:
        guest.run("systemctl is-system-running --wait", lab.BOOT_LIMIT_S, check=False)
        mounted = guest.run("findmnt -rn -o TARGET,SOURCE,FSTYPE --real; systemctl is-system-running", check=False).text
        missing = [path for path in (*DATA, "/boot/efi", KEYS) if f"{path} " not in mounted]
        if missing:
            raise lab.GuestError(f"not mounted: {missing}\n{mounted}"
                                 + guest.run("systemctl --failed --no-legend; journalctl -b --no-pager | tail -n 60",
                                             check=False).text)
        guest.run("sync")
        guest.save(folder / "state")
    print(f"ade: saved after {time.monotonic() - begun:.0f} s", file=sys.stderr)


def saved_guest(folder):
    """The guest on overlays of its own in `folder`."""
    base, saved = built()
    images = Images(saved).overlays(folder)
    return lab.Guest(base, folder, images.root, images.disks, state=saved / "state", keys=images.keys, uuid=UUID)


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    try:
        print(built()[1])
    except (lab.GuestError, subprocess.CalledProcessError) as error:
        sys.exit(f"ade: {error}")
