# SPDX-License-Identifier: Apache-2.0
"""The guest that a recording is played in: disks on /mnt/data1 and /mnt/data2, the extension's folder, and for some
recordings a root filesystem of its own that is held as well.
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess

import room  # first: it makes the others findable
import network
import rig
import scratch

FILESYSTEMS = ("ext4", "xfs", "ext4")  # two data disks and the system's
DATA = ("/mnt/data1", "/mnt/data2")
MS_MOVE, MS_BIND, MS_REC = 8192, 4096, 16384  # linux/mount.h
LIBRARIES = ("/usr", "/bin", "/lib", "/lib64")


def mount(source, target, kind=None, flags=0):
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    room.checked(room.LIBC.mount(str(source).encode(), str(target).encode(), kind and kind.encode(),
                                 ctypes.c_ulong(flags), None), f"mount {target}")


def unmount(target):
    """A process that has just ended may keep it for a moment."""
    scratch.retry(lambda: room.checked(room.LIBC.umount2(str(target).encode(), 0), f"umount {target}"), str(target))


class World:
    """What all recordings share: disks, network, certificates. Made once in a room."""

    def __init__(self, place, programs, names):
        self.work, self.programs = place.work, place.work / "build/bin"
        for folder in ("bin", "package"):  # near by, where links are enough
            shutil.copytree(programs.parent / folder, self.work / "build" / folder)
        self._stripped = None
        self.data, self.system = place.disks[:2], place.disks[2]
        mount("tmpfs", "/mnt", "tmpfs")
        for disk, target in zip(self.data, DATA):
            mount(disk["mount"], target, flags=MS_MOVE)
            disk["mount"] = target
        unmount(self.system["mount"])
        network.enter()
        self.tls = network.make_certificates(self.work, names)
        network.name_the_store(names)
        # Reading the machine's authorities takes most of a call's time under ASan, and none of them is needed.
        shutil.rmtree("/etc/ssl/certs", ignore_errors=True)
        self.certificates = self.work / "certificates"
        self.certificates.mkdir()
        rig.make_certificate(self.certificates)

    def stripped_programs(self):
        """Without their symbols, which would fill a small disk."""
        if self._stripped is None:
            self._stripped = self.work / "stripped/bin"
            self._stripped.mkdir(parents=True)
            for program in self.programs.glob("stillpoint*"):
                subprocess.run(["strip", "-o", self._stripped / program.name, program], check=True,
                               capture_output=True, timeout=60)
            shutil.copytree(self.programs.parent / "package", self._stripped.parent / "package")
        return self._stripped

    @property
    def authority(self):
        return self.tls[0]


class Guest:
    """One recording's. `root` is empty, or where the guest's root filesystem lies."""

    def __init__(self, world, recording):
        self.world, self.recording = world, recording
        self.root = world.work / "root" if recording.root_is_held else None
        self._cleaner = contextlib.ExitStack()
        try:
            self._lay_out()
        except BaseException:
            self.close()
            raise

    def _lay_out(self):
        if self.root:
            self._make_root()
            base = self.root / "var/lib"
        else:
            for fixed in (rig.ETC_AZURE, rig.ETC_OWN, rig.STATE, pathlib.Path("/run/stillpoint")):
                shutil.rmtree(fixed, ignore_errors=True)
            base = self.world.work / self.recording.name
            base.mkdir()
            self._cleaner.callback(shutil.rmtree, base, ignore_errors=True)
        without_key = any(run.special.get("nocert") for run in self.recording.runs)
        programs = self.world.stripped_programs() if self.root else self.world.programs
        self.rig = rig.Rig(base, programs, name=self.recording.handler_name, version="1.0.9184.0",
                           certificate_from=self.world.certificates, root=self.root)
        if without_key:
            self.rig.certificate.unlink()
            self.rig.key.unlink()
        self._configure()

    def _configure(self):
        """The place of the disks stays unknown, as it was where the recordings were made."""
        disks = [*self.world.data, *([self.world.system] if self.root else [])]
        authority = "/etc/stillpoint-replay-ca.pem"
        etc = pathlib.Path(f"{self.root or ''}/etc")
        shutil.copy(self.world.authority, etc / authority.rpartition("/")[2])
        self.rig.configure(disks, {disk["device"]: None for disk in disks}, ca_bundle=authority, etc=etc)
        conf = self.recording.runs[0].special.get("vmbackup_conf")
        if conf is None and self.recording.name == "rootfs_mountstoskip_slash":
            conf = "[SnapshotThread]\nMountsToSkip=/\n"
        if conf:
            (etc / "azure/vmbackup.conf").write_text(conf, encoding="utf-8")

    def _make_root(self):
        """A small system on the third disk: a shell, the libraries, and what a mount namespace shares."""
        mount(self.world.system["device"], self.root, self.world.system["fs"])
        self._cleaner.callback(unmount, self.root)
        for left in ("etc", "var"):  # by the recording before
            shutil.rmtree(self.root / left, ignore_errors=True)
        for name in ("etc", "tmp", "run", "var/lib", "var/log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for kept in ("passwd", "group", "hosts", "nsswitch.conf", "os-release"):
            shutil.copy(f"/etc/{kept}", self.root / "etc")
        # The shell and the libraries are the machine's, on a filesystem that is not in the snapshot.
        for shared in ("/proc", "/sys", "/dev", *(name for name in LIBRARIES if os.path.isdir(name)), *DATA):
            mount(shared, f"{self.root}{shared}", flags=MS_BIND | MS_REC)
            self._cleaner.callback(self._unmount_all, f"{self.root}{shared}")

    @staticmethod
    def _unmount_all(target):
        below = [point for _, point in scratch.mounts() if point == target or point.startswith(f"{target}/")]
        for point in reversed(below):
            unmount(point)

    def close(self):
        for disk in self.world.data:
            scratch.thaw(disk["mount"])
        if self.root and os.path.ismount(self.root):
            scratch.thaw(str(self.root))
        self._cleaner.close()

    @property
    def held(self):
        """Mount points that must not be frozen at the end."""
        return [*(disk["mount"] for disk in self.world.data), *([str(self.root)] if self.root else [])]
