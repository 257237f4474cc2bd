#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scratch filesystems that a test may freeze: zram where there is any, else loop devices on a tmpfs.

    scratch.py run  --dir DIR [--fs ext4,xfs,btrfs] -- COMMAND...   in a mount namespace of its own
    scratch.py up   --dir DIR [--fs ext4,xfs,btrfs]                 only inside such a namespace (unshare -m)
    scratch.py down --dir DIR                                       idempotent; releases its own devices only

`up` prints, and DIR/scratch.json holds, for each disk {"fs", "device", "device_number", "superblock", "mount",
"uuid", "kind"}; "superblock" is the maj:min as mountinfo shows it. COMMAND finds that file's name in SP_SCRATCH.
`run` exits as COMMAND does, or with 3 when COMMAND left a filesystem frozen (it is thawed then).
"""
import argparse
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
import uuid

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878  # linux/fs.h
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
ZRAM = pathlib.Path("/sys/class/zram-control")
RELEASE_LIMIT_S = 10
SIZE_MB = {"ext4": 128, "xfs": 320, "btrfs": 256}  # mkfs.xfs refuses less than 300 MB
MKFS = {
    "ext4": lambda disk: ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard", "-U", disk["uuid"]],
    "xfs": lambda disk: ["mkfs.xfs", "-q", "-f", "-K", "-m", f"uuid={disk['uuid']}"],
    "btrfs": lambda disk: ["mkfs.btrfs", "-q", "-f", "-K", "-m", "single", "-d", "single", "-U", disk["uuid"]],
}


def run(*command):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


entered = False  # a private namespace, by ourselves


def enter_private_namespace():
    global entered
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "cannot make a private mount namespace")
    entered = True


def in_private_namespace():
    """Told by the namespace of kthreadd, which is the system's; where it cannot be seen (a container), by that
    of process 1."""
    if entered:  # also where this is process 1 itself, as in a container
        return True
    for pid, name in ((2, "kthreadd"), (1, None)):
        with contextlib.suppress(OSError):
            comm = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            if name in (None, comm):
                return os.readlink("/proc/self/ns/mnt") != os.readlink(f"/proc/{pid}/ns/mnt")
    return False


def thaw(mount):
    """True if it was frozen. One that cannot be frozen at all (tmpfs) never was."""
    fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, FITHAW, 0)
        return True
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTTY):
            return False
        raise
    finally:
        os.close(fd)


@contextlib.contextmanager
def held(mounts, limit_s=30):
    """Freezes in the given order, thaws in the reverse one. A process of its own thaws if this one dies, or at the
    limit, through descriptors that were opened before the first freeze."""
    fds = [os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for mount in mounts]
    alive, end = os.pipe()
    guard = os.fork()
    if guard == 0:
        os.setsid()
        os.close(end)
        select.select([alive], [], [], limit_s)
        thaw_all(fds)
        os._exit(0)
    os.close(alive)
    try:
        for fd in fds:
            fcntl.ioctl(fd, FIFREEZE, 0)
        yield
    finally:
        thaw_all(fds)
        os.close(end)
        os.waitpid(guard, 0)
        for fd in fds:
            os.close(fd)


def thaw_all(fds):
    for fd in reversed(fds):
        with contextlib.suppress(OSError):  # EINVAL: not frozen (any more)
            fcntl.ioctl(fd, FITHAW, 0)


def mounts():
    """(maj:min of the superblock, mount point), the last one mounted last."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [(fields[2], fields[4]) for fields in (line.split() for line in lines)]


def superblock_of(mount):
    """The maj:min of mountinfo; None if nothing is mounted there in this namespace."""
    return dict((point, number) for number, point in mounts()).get(mount)


def device_number_of(device):
    number = os.stat(device).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"


def save(folder, disks):
    draft = folder / "scratch.json.new"
    draft.write_text(json.dumps({"disks": disks}, indent=1), encoding="utf-8")
    draft.rename(folder / "scratch.json")


def load(folder):
    record = folder / "scratch.json"
    return json.loads(record.read_text(encoding="utf-8"))["disks"] if record.exists() else []


def add_device(folder, disk, name):
    size = disk["size_mb"] << 20
    if disk["kind"] == "zram":
        number = (ZRAM / "hot_add").read_text(encoding="ascii").strip()
        disk["device"] = f"/dev/zram{number}"
        queue = pathlib.Path(f"/sys/block/zram{number}")
        (queue / "disksize").write_text(str(size), encoding="ascii")
        # Off on zram in newer kernels; a hold proves stillness by these counters.
        (queue / "queue/iostats").write_text("1", encoding="ascii")
        return
    images = folder / "images"
    images.mkdir(exist_ok=True)
    if superblock_of(str(images)) is None:
        run("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(images))
    image = images / f"{name}.img"
    with open(image, "wb") as out:
        out.truncate(size)
    disk["device"] = run("losetup", "--find", "--show", str(image))
    disk["backing_file"] = str(image)


def refuse_if_in_use(folder):
    """Before anything is undone in case of a failure: what is there belongs to another run."""
    if load(folder):
        sys.exit(f"scratch: {folder} is in use; `scratch.py down` first")


def up(folder, filesystems, kind, size_mb):
    if not in_private_namespace():
        sys.exit("scratch: not in a private mount namespace; use `scratch.py run`, or `unshare -m` before")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    disks = []
    for index, asked in enumerate(filesystems):
        fs, _, megabytes = asked.partition(":")
        name = f"{index}-{fs}"
        disk = {"fs": fs, "kind": kind, "mount": str(folder / name), "uuid": str(uuid.uuid4()),
                "size_mb": max(size_mb or 0, int(megabytes or 0), SIZE_MB[fs]), "device": None}
        disks.append(disk)
        try:
            add_device(folder, disk, name)
        finally:
            save(folder, disks)
        run(*MKFS[fs](disk), disk["device"])
        pathlib.Path(disk["mount"]).mkdir(exist_ok=True)
        run("mount", "-t", fs, disk["device"], disk["mount"])
        disk["superblock"] = superblock_of(disk["mount"])
        disk["device_number"] = device_number_of(disk["device"])
        save(folder, disks)
    return disks


def retry(action, what):
    """Until `action` succeeds: the kernel lets go of a device a little after its unmount."""
    end = time.monotonic() + RELEASE_LIMIT_S
    while True:
        try:
            action()
            return
        except (OSError, RuntimeError) as error:
            if time.monotonic() > end:
                raise RuntimeError(f"scratch: cannot release {what}: {error}") from error
            time.sleep(0.05)


def is_still_ours(disk):
    """A number is used again once its device is gone; then the filesystem on it is another one."""
    if disk["device"] is None or not os.path.exists(disk["device"]):
        return False
    if disk["kind"] == "loop":
        backing = pathlib.Path(f"/sys/block/{os.path.basename(disk['device'])}/loop/backing_file")
        return backing.exists() and backing.read_text(encoding="utf-8").strip().endswith(
            os.path.basename(disk["backing_file"]))
    found = subprocess.run(["blkid", "-p", "-o", "value", "-s", "UUID", disk["device"]], check=False,
                           capture_output=True, text=True, timeout=20).stdout.strip()
    return found in ("", disk["uuid"])  # "": mkfs did not get that far


def release(disk):
    if not is_still_ours(disk):
        return
    name = os.path.basename(disk["device"])
    if disk["kind"] == "zram":
        retry(lambda: (ZRAM / "hot_remove").write_text(name[len("zram"):], encoding="ascii"), disk["device"])
    else:
        run("losetup", "-d", disk["device"])


def loops_on(folder, disks):
    """Loop devices that a test has put on files of our filesystems."""
    own = {disk["device"] for disk in disks}
    for backing in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        device = f"/dev/{backing.parents[1].name}"
        with contextlib.suppress(OSError):
            if device not in own and backing.read_text(encoding="utf-8").startswith(f"{folder}/"):
                yield device


def unmount_all(folder, superblocks):
    """Also the bind mounts, subvolumes and nested filesystems of a test, the last one first, which is also the order
    to thaw in. Returns those that were frozen."""
    frozen = []
    for superblock, mount in reversed(mounts()):
        below = mount.startswith(f"{folder}/") and mount != f"{folder}/images"
        if below or superblock in superblocks:
            if thaw(mount):
                frozen.append(mount)
            retry(lambda point=mount: run("umount", point), mount)
    return frozen


def down(folder):
    """Mount points that were found frozen."""
    disks = load(folder)
    nested = list(loops_on(folder, disks))
    frozen = unmount_all(folder, {disk["superblock"] for disk in disks if "superblock" in disk})
    for device in nested:
        with contextlib.suppress(RuntimeError):  # `mount -o loop` detaches its device at the unmount
            run("losetup", "-d", device)
    for disk in list(reversed(disks)):
        release(disk)
        disks.remove(disk)
        save(folder, disks)
        with contextlib.suppress(OSError):
            os.rmdir(disk["mount"])
    images = folder / "images"
    if superblock_of(str(images)) is not None:
        retry(lambda: run("umount", str(images)), str(images))
    (folder / "scratch.json").unlink(missing_ok=True)
    for left in (images, folder):
        with contextlib.suppress(OSError):
            left.rmdir()
    return frozen


@contextlib.contextmanager
def filesystems_in(folder, filesystems=("ext4", "xfs", "btrfs"), kind=None, size_mb=None):
    """For tests in Python that are in a private namespace already."""
    refuse_if_in_use(folder)
    frozen = []
    try:
        yield up(folder, filesystems, kind or default_kind(), size_mb)
    finally:
        frozen = down(folder)
    if frozen:
        raise RuntimeError(f"scratch: stayed frozen: {', '.join(frozen)}")


def default_kind():
    return "zram" if (ZRAM / "hot_add").exists() else "loop"


def end_child(child, folder):
    for disk in load(folder):
        with contextlib.suppress(OSError):  # a process that waits for a thaw cannot even be killed
            thaw(disk["mount"])
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(timeout=5)


def run_command(folder, filesystems, kind, size_mb, command):
    refuse_if_in_use(folder)
    enter_private_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    child = None
    frozen = []
    try:
        up(folder, filesystems, kind, size_mb)
        child = subprocess.Popen(command, env={**os.environ, "SP_SCRATCH": str(folder / "scratch.json")})
        code = child.wait()
        frozen = [disk["mount"] for disk in load(folder) if thaw(disk["mount"])]
    finally:
        if child is not None:
            end_child(child, folder)
        down(folder)
    if frozen:
        print(f"scratch: stayed frozen: {', '.join(frozen)}", file=sys.stderr)
        return 3
    return code if code >= 0 else 128 - code


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "up", "down"])
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--fs", default="ext4,xfs,btrfs", help="filesystems; ext4:256: of at least 256 MB")
    parser.add_argument("--kind", choices=["zram", "loop"], default=default_kind())
    parser.add_argument("--size-mb", type=int, help="of each disk, at least")
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    arguments, command = parser.parse_args(words[:split]), words[split + 1:]
    folder = arguments.dir.resolve()
    filesystems = arguments.fs.split(",")
    if arguments.action == "run":
        if not command:
            parser.error("run needs -- COMMAND")
        return run_command(folder, filesystems, arguments.kind, arguments.size_mb, command)
    if arguments.action == "up":
        refuse_if_in_use(folder)
        try:
            disks = up(folder, filesystems, arguments.kind, arguments.size_mb)
        except Exception:
            down(folder)
            raise
        print(json.dumps({"disks": disks}))
    elif frozen := down(folder):
        print(f"scratch: was frozen, is thawed: {', '.join(frozen)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
