# SPDX-License-Identifier: Apache-2.0
"""Scratch filesystems in a private mount namespace: the only thing the benchmarks ever freeze.

`enter_private_namespace()` first, then `with Scratch(["ext4", "xfs"]) as mounts:`. However the
block is left, every filesystem is thawed, unmounted and its device removed.
"""
import concurrent.futures
import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

FIFREEZE = 0xC0045877
FITHAW = 0xC0045878
SKIPPED = 77  # what ctest takes for "skipped"

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 2, 4096, 8192, 16384, 1 << 18
MNT_DETACH = 2
SIZE = 384 << 20  # mkfs.xfs refuses less than 300 MB; the memory is only taken when written to

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind=None, flags=0, data=None):
    def text(value):
        return None if value is None else str(value).encode()
    checked(libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)),
            f"mount {target}")


def unmount(target, flags=0):
    checked(libc.umount2(str(target).encode(), flags), f"umount {target}")


def unshare(flags):
    checked(libc.unshare(flags), "unshare")


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def _leave(*_):
    """As an exception, so that the scratch filesystems are tidied up on the way."""
    raise SystemExit("stopped from outside")


def enter_private_namespace():
    """Nothing mounted from here on is seen by the rest of the machine, and /run is our own, so that
    ledgers of other runs are not ours to judge and no systemd is found."""
    if os.geteuid() != 0:
        skip("needs root")
    signal.signal(signal.SIGTERM, _leave)
    try:
        unshare(CLONE_NEWNS)
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID, "mode=755")
        if os.path.isdir("/dev/shm"):
            mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID, "mode=1777")
    except OSError as error:
        skip(f"no private mount namespace here ({error})")


def mount_table():
    """(maj:min, mount point, source) of every mount that this process sees."""
    rows = []
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            rows.append((left.split()[2], left.split()[4], right.split()[1]))
    return rows


def device_numbers(mount_points):
    """MAJ:MIN of the filesystems, as mountinfo and as stat show them (btrfs has both)."""
    numbers = {number for number, point, _ in mount_table() if point in mount_points}
    for point in mount_points:
        number = os.stat(point).st_dev
        numbers.add(f"{os.major(number)}:{os.minor(number)}")
    return sorted(numbers)


def _ioctl(mount_point, request):
    """0 or the errno."""
    fd = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, request, 0)
        return 0
    except OSError as error:
        return error.errno
    finally:
        os.close(fd)


def thaw(mount_point):
    return _ioctl(mount_point, FITHAW)


def rescue(mount_points):
    """Thaws until nothing is left to thaw. Returns the mount points that were frozen."""
    found = []
    for point in mount_points:
        for _ in range(16):  # a freeze count above one needs as many thaws
            if thaw(point) != 0:
                break
            if point not in found:
                found.append(point)
    return found


def still_frozen(mount_points, timeout=10):
    """Which filesystems are frozen now: FIFREEZE answers EBUSY. The probe thaws what it froze.
    A probe that does not return in time counts as frozen."""
    answers = {}

    def probe(point):
        result = _ioctl(point, FIFREEZE)
        if result == 0:
            result = thaw(point)
        answers[point] = result

    threads = [threading.Thread(target=probe, args=(p,), daemon=True) for p in mount_points]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    return {p: errno.errorcode.get(answers[p], "?") if p in answers else "stuck"
            for p in mount_points if answers.get(p) != 0}


class _Zram:
    def __init__(self):
        with open("/sys/class/zram-control/hot_add") as control:
            self.number = int(control.read())
        self.path = f"/dev/zram{self.number}"
        with open(f"/sys/block/zram{self.number}/disksize", "w") as size:
            size.write(str(SIZE))

    @staticmethod
    def available():
        return os.path.exists("/sys/class/zram-control/hot_add")

    def remove(self):
        with open(f"/sys/block/zram{self.number}/reset", "w") as control:
            control.write("1")
        with open("/sys/class/zram-control/hot_remove", "w") as control:
            control.write(str(self.number))


class _Loop:
    def __init__(self, folder):
        fd, self.file = tempfile.mkstemp(dir=folder)
        os.truncate(fd, SIZE)
        os.close(fd)
        self.path = subprocess.check_output(
            ["losetup", "--find", "--show", self.file], text=True).strip()

    def remove(self):
        subprocess.run(["losetup", "--detach", self.path], check=True)
        os.unlink(self.file)


def _retried(action):
    """False if it does not work for 5 s. A process that is ending, killed or not, holds its mounts
    a little longer than one thinks."""
    end = time.monotonic() + 5
    while True:
        try:
            action()
            return True
        except (OSError, subprocess.CalledProcessError):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)


MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}


def alternating(count):
    return ["ext4" if i % 2 == 0 else "xfs" for i in range(count)]


class Scratch:
    """Makes one filesystem per entry of `kinds`; yields their mount points."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.devices = []
        self.mounts = []

    def __enter__(self):
        for kind in sorted(set(self.kinds)):
            if shutil.which(MKFS[kind][0]) is None:
                skip(f"no {MKFS[kind][0]}")
        self.folder = tempfile.mkdtemp(prefix="stillpoint-scratch-")
        mount("tmpfs", self.folder, "tmpfs", MS_NOSUID)
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self.mounts

    def _make(self):
        for _ in self.kinds:
            self.devices.append(_Zram() if _Zram.available() else _Loop(self.folder))
        self.on = "zram" if _Zram.available() else "loop files on tmpfs"
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: subprocess.run(
                MKFS[pair[0]] + [pair[1].path], check=True, stdout=subprocess.DEVNULL),
                zip(self.kinds, self.devices)))
        for i, (kind, device) in enumerate(zip(self.kinds, self.devices)):
            point = os.path.join(self.folder, f"{i}-{kind}")
            os.mkdir(point)
            mount(device.path, point, kind)
            self.mounts.append(point)

    def __exit__(self, *_):
        # Whoever stops us now waits: half tidied up is what this class is there to prevent.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._tidy_up()
        finally:
            signal.signal(signal.SIGTERM, _leave)
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _tidy_up(self):
        rescue(self.mounts)
        left = []
        for point in self.mounts:
            if not _retried(lambda point=point: (rescue([point]), unmount(point))):
                left.append(point)
        for device in self.devices:
            if not _retried(device.remove):
                left.append(device.path)
        with contextlib.suppress(OSError):
            unmount(self.folder, MNT_DETACH)
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)
        if left:
            print("could not remove " + " ".join(left), file=sys.stderr)
