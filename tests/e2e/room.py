# SPDX-License-Identifier: Apache-2.0
"""A place where the extension may be installed, run and killed without a trace on the machine.

    room.run(action, filesystems=("ext4", "xfs", "btrfs"))    action(place) -> exit code

Scratch filesystems are made, then `action` runs in process, mount and IPC namespaces of its own: every process it
starts ends with it, and /etc, /run, /var/lib, /var/log, /dev/shm and /proc are its own (systemd is not seen there).
Only scratch filesystems can be frozen by mistake, and these are thawed, unmounted and removed however the run ends,
also at SIGINT, SIGTERM and SIGHUP, which are taken one at a time and never in the middle of making or removing a
disk. With `addresses` the network is its own too: nothing but a loopback device that has these beside its own one.
"""
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "store"), str(HERE.parent / "scratch")]
import scratch  # noqa: E402

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWNET = 0x00020000, 0x20000000, 0x08000000, 0x40000000  # linux/sched.h
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18  # linux/mount.h
PR_SET_PDEATHSIG = 1                                                          # linux/prctl.h
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
END_LIMIT_S = 30
STAYED_FROZEN = 3
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass
class Place:
    work: pathlib.Path  # on a tmpfs
    disks: list         # as scratch.py describes them

    @property
    def mounts(self):
        return [disk["mount"] for disk in self.disks]


def checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(kind, target, options=""):
    checked(LIBC.mount(kind.encode(), str(target).encode(), kind.encode(), 0, options.encode()), f"mount {target}")


def hide_the_machine(work):
    """What the extension reads or leaves outside its own folder is ours, and empty but for /etc. Programs and udev's
    rules, which the VM agent would change, are read-only."""
    checked(LIBC.mount(b"/usr", b"/usr", None, MS_BIND | MS_REC, None), "bind /usr")
    checked(LIBC.mount(b"none", b"/usr", None, MS_REMOUNT | MS_BIND | MS_RDONLY, None), "a read-only /usr")
    copy = work / "etc"
    shutil.copytree("/etc", copy, symlinks=True, ignore_dangling_symlinks=True, ignore=shutil.ignore_patterns("azure"))
    for folder, mode in (("/etc", "0755"), ("/run", "0755"), ("/var/lib", "0755"), ("/var/log", "0755"),
                         ("/dev/shm", "1777")):
        mount("tmpfs", folder, f"mode={mode}")
    for entry in copy.iterdir():
        shutil.move(entry, "/etc")
    copy.rmdir()
    mount("proc", "/proc")


def own_network(addresses):
    """Each address has a route of its own in the main table, where the VM agent looks for the host's."""
    checked(LIBC.unshare(CLONE_NEWNET), "unshare")
    commands = [["link", "set", "lo", "up"]]
    for address in addresses:
        commands += [["addr", "add", f"{address}/32", "dev", "lo"], ["route", "add", f"{address}/32", "dev", "lo"]]
    for command in commands:
        subprocess.run(["ip", *command], check=True, timeout=10)


def reap_until(child):
    """As process 1: everything orphaned ends up here."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def first_process(work, action, place, addresses):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()  # the terminal's Ctrl-C is for the one outside
    checked(LIBC.unshare(CLONE_NEWNS | CLONE_NEWIPC), "unshare")
    checked(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "a private /")
    work.mkdir()
    mount("tmpfs", work, "mode=0755")
    hide_the_machine(work)
    if addresses:
        own_network(addresses)
    os.environ["TMPDIR"] = tempfile.tempdir = str(work)
    child = os.fork()
    if child != 0:
        return reap_until(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return action(place)


def start(work, action, place, addresses):
    """The pid of a process 1 that runs `action`."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    checked(LIBC.unshare(CLONE_NEWPID), "unshare")
    child = os.fork()
    if child != 0:
        checked(LIBC.setns(own, CLONE_NEWPID), "setns")  # later children, as umount, belong outside again
        os.close(own)
        return child
    code = 1
    try:
        code = first_process(work, action, place, addresses)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code if 0 <= code < 256 else 1)


def wait_or_be_told(child, on_signal):
    """The exit code of `child`; 128 + N if told to end."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            return os.waitstatus_to_exitcode(status)
        told = signal.sigtimedwait(ENDING | {signal.SIGCHLD}, 1)
        if told is not None and told.si_signo in ENDING:
            on_signal()
            return 128 + told.si_signo


def end(child, disks):
    """Kills the namespace. A process that waits for a thaw does not even die: thawed until all are gone."""
    os.kill(child, signal.SIGKILL)
    limit = time.monotonic() + END_LIMIT_S
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        for disk in disks:
            with contextlib.suppress(OSError):
                scratch.thaw(disk["mount"])
        if time.monotonic() > limit:
            raise RuntimeError(f"processes of the room do not end within {END_LIMIT_S} s")
        time.sleep(0.02)


def run(action, filesystems=("ext4", "xfs", "btrfs"), on_signal=lambda: None, kind=None, addresses=()):
    """What `action` returned; 3 if it left a filesystem frozen; 128 + N after signal N."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING | {signal.SIGCHLD})
    scratch.enter_private_namespace()
    outer = pathlib.Path(tempfile.mkdtemp(prefix="sp-room-"))
    child, code = None, 1
    try:
        disks = scratch.up(outer / "disks", filesystems, kind or scratch.default_kind(), None)
        child = start(outer / "work", action, Place(outer / "work", disks), addresses)
        code = wait_or_be_told(child, on_signal)
        if code < 128:
            child = None
    finally:
        if child is not None:
            with contextlib.suppress(ChildProcessError, ProcessLookupError):
                end(child, disks)
        frozen = scratch.down(outer / "disks")
        shutil.rmtree(outer, ignore_errors=True)
    if frozen and code < 128:
        print(f"room: stayed frozen: {', '.join(frozen)}", file=sys.stderr)
        return STAYED_FROZEN
    return code if code >= 0 else 128 - code
