# SPDX-License-Identifier: Apache-2.0
"""The guest that a recording is played in: a root filesystem, disks on /mnt/data1 and /mnt/data2, the extension's
folder.
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

FILESYSTEMS = ("ext4", "xfs", "ext4:256")  # two data disks and the system's
DATA = ("/mnt/data1", "/mnt/data2")
MS_MOVE, MS_BIND, MS_REC = 8192, 4096, 16384  # linux/mount.h
SHARED = ("/proc", "/sys", "/dev", *DATA)
PROGRAMS = ("usr", "bin", "lib", "lib64")


def mount(source, target, kind=None, flags=0, options=None):
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    room.checked(room.LIBC.mount(str(source).encode(), str(target).encode(), kind and kind.encode(),
                                 ctypes.c_ulong(flags), options and options.encode()), f"mount {target}")


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
    """One recording's, with a root filesystem of its own at `root`: an overlay, which cannot be frozen, or the third
    disk."""

    def __init__(self, world, recording):
        self.world, self.recording = world, recording
        self.root = world.work / "root"
        self._cleaner = contextlib.ExitStack()
        try:
            self._lay_out()
        except BaseException:
            self.close()
            raise

    def _lay_out(self):
        programs = self._mount_disk() if self.recording.root_is_held else self._mount_overlay()
        for name in ("etc", "tmp", "run", "var/lib", "var/log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for kept in ("passwd", "group", "hosts", "nsswitch.conf", "os-release"):
            with contextlib.suppress(FileNotFoundError):  # a bare root has not all of them
                shutil.copy(f"/etc/{kept}", self.root / "etc")
        for shared in SHARED:
            mount(shared, f"{self.root}{shared}", flags=MS_BIND | MS_REC)
            self._cleaner.callback(self._unmount_all, f"{self.root}{shared}")
        self.rig = rig.Rig(self.root / "var/lib", programs, name=self.recording.handler_name, version="1.0.9184.0",
                           certificate_from=self.world.certificates, root=self.root)
        if any(run.special.get("nocert") for run in self.recording.runs):
            self.rig.certificate.unlink()
            self.rig.key.unlink()
        self._configure()

    def _mount_overlay(self):
        """Over the machine's root, with the folders that a guest writes to empty. The programs' folder."""
        layers = self.world.work / "layers"
        self._cleaner.callback(shutil.rmtree, layers, ignore_errors=True)
        for name in ("etc", "var", "run", "opt"):
            (layers / "upper" / name).mkdir(parents=True)
            os.setxattr(layers / "upper" / name, "trusted.overlay.opaque", b"y")
        (layers / "work").mkdir()
        (layers / "upper/opt/bin").mkdir()
        for program in self.world.programs.glob("stillpoint*"):
            os.link(program, layers / "upper/opt/bin" / program.name)
        shutil.copytree(self.world.programs.parent / "package", layers / "upper/opt/package")
        mount("overlay", self.root, "overlay", options=f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work")
        self._cleaner.callback(unmount, self.root)
        return self.root / "opt/bin"

    def _mount_disk(self):
        """A small system on the third disk; shell and libraries are the machine's, behind an overlay."""
        mount(self.world.system["device"], self.root, self.world.system["fs"])
        self._cleaner.callback(unmount, self.root)
        for left in ("etc", "var"):  # by the recording before
            shutil.rmtree(self.root / left, ignore_errors=True)
        nothing = self.world.work / "nothing"
        nothing.mkdir(exist_ok=True)
        for name in PROGRAMS:
            here = self.root / name
            if os.path.islink(f"/{name}"):
                here.unlink(missing_ok=True)
                here.symlink_to(os.readlink(f"/{name}"))
            elif os.path.isdir(f"/{name}"):
                mount("overlay", here, "overlay", options=f"lowerdir={nothing}:/{name}")
                self._cleaner.callback(unmount, here)
        return self.world.stripped_programs()

    def _configure(self):
        authority = "/etc/stillpoint-replay-ca.pem"
        etc = self.root / "etc"
        shutil.copy(self.world.authority, etc / authority.rpartition("/")[2])
        places = self._places()
        self.rig.configure([disk for disk, _ in places], {disk["device"]: lun for disk, lun in places},
                           ca_bundle=authority, etc=etc)
        conf = self.recording.runs[0].special.get("vmbackup_conf")
        if conf is None and self.recording.name == "rootfs_mountstoskip_slash":
            conf = "[SnapshotThread]\nMountsToSkip=/\n"
        if conf:
            (etc / "azure/vmbackup.conf").write_text(conf, encoding="utf-8")

    def _places(self):
        """(disk, LUN) of each. A recording that asks for neither of the data disks means the first one by what it asks
        for; the second is then of unknown place."""
        luns = self.recording.luns
        if self.recording.root_is_held:
            return [*zip(self.world.data, (0, 1)), (self.world.system, -1)]
        if luns and not {0, 1} & set(luns):
            return [*zip(self.world.data, (luns[0], None))]
        return [*zip(self.world.data, (0, 1))]

    @staticmethod
    def _unmount_all(target):
        below = [point for _, point in scratch.mounts() if point == target or point.startswith(f"{target}/")]
        for point in reversed(below):
            unmount(point)

    def close(self):
        for mount_point in self.held:
            if os.path.ismount(mount_point):
                scratch.thaw(mount_point)
        self._cleaner.close()

    @property
    def held(self):
        """Mount points that must not be frozen at the end."""
        root = [str(self.root)] if self.recording.root_is_held else []
        return [*(disk["mount"] for disk in self.world.data), *root]
