# SPDX-License-Identifier: Apache-2.0
"""QEMU's guest agent, locked in with the scratch filesystems.

Its thaw lets go of everything that its mount table shows, so the table must show nothing else: it
runs in mount and process namespaces of its own, whose root is a tmpfs with a copy of the program
and its libraries. Before it is started, and again through it, this is checked; a freeze is only
ever asked for with the list of the scratch mount points.
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import scratch


def available():
    return shutil.which("qemu-ga") is not None


class QemuGa:
    def __init__(self, mounts):
        self.mounts = mounts
        self.inside = [f"/scratch/{i}" for i in range(len(mounts))]

    def __enter__(self):
        read_end, write_end = os.pipe()
        self.outer = os.fork()
        if self.outer == 0:
            os.close(read_end)
            _run_jail(self.mounts, write_end)
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            self.pid = int(pipe.readline() or 0)
        try:
            self.socket = self._connect()
            self._check_jail()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.pid:
            # Its namespace holds the filesystems until it is really gone.
            pidfd = os.pidfd_open(self.pid)
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            select.select([pidfd], [], [], 10)
            os.close(pidfd)
        os.kill(self.outer, signal.SIGKILL)
        os.waitpid(self.outer, 0)

    def _connect(self):
        end = time.monotonic() + 10
        while True:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(f"/proc/{self.pid}/root/qga.sock")
                client.settimeout(60)
                self.buffer = b""
                return client
            except OSError:
                client.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _check_jail(self):
        """A dry run: nothing is frozen, `/` can be written, and the agent sees only scratch."""
        if self.call("guest-fsfreeze-status") != "thawed":
            raise RuntimeError("qemu-ga does not start thawed")
        with open(f"/proc/{self.pid}/mountinfo") as file:
            seen = [line.split()[4] for line in file
                    if line.partition(" - ")[2].split()[1].startswith("/")]
        if sorted(seen) != sorted(self.inside):
            raise RuntimeError(f"qemu-ga would see {seen}")
        _write_probe()

    def call(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while b"\n" not in self.buffer:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise RuntimeError("qemu-ga is gone")
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer = json.loads(line.lstrip(b"\xff"))
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']}")
        return answer["return"]

    def freeze(self):
        frozen = self.call("guest-fsfreeze-freeze-list", mountpoints=self.inside)
        if frozen != len(self.inside):
            self.thaw()
            raise RuntimeError(f"qemu-ga froze {frozen} of {len(self.inside)}")

    def thaw(self):
        return self.call("guest-fsfreeze-thaw")


def _write_probe():
    with open("/tmp/.stillpoint-bench-probe", "w") as file:
        file.write("x")
        file.flush()
        os.fsync(file.fileno())
    os.unlink("/tmp/.stillpoint-bench-probe")


def _run_jail(mounts, pid_pipe):
    """Never returns. The outer process waits for the agent, which is process 1 of its namespace."""
    try:
        scratch.unshare(scratch.CLONE_NEWNS | scratch.CLONE_NEWPID)
        inner = os.fork()
        if inner == 0:
            os.close(pid_pipe)
            _become_qemu_ga(mounts)
        os.write(pid_pipe, f"{inner}\n".encode())
        os.close(pid_pipe)
        os.waitpid(inner, 0)
    finally:
        os._exit(1)


def _become_qemu_ga(mounts):
    try:
        program = _enter_root_with_only(mounts)
        _refuse_other_disks(len(mounts))
        os.execv(program, [program, "-m", "unix-listen", "-p", "/qga.sock", "-t", "/state",
                           "-f", "/state/pid", "-l", "/state/log"])
    except BaseException as error:  # the parent sees it as "no socket"
        print(f"qemu-ga jail: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def _enter_root_with_only(mounts):
    scratch.mount("none", "/", None, scratch.MS_REC | scratch.MS_PRIVATE)
    program = shutil.which("qemu-ga")
    libraries = re.findall(r"(/\S+) \(0x", subprocess.check_output(["ldd", program], text=True))
    root = tempfile.mkdtemp(prefix="qga-root-", dir="/run")
    scratch.mount("tmpfs", root, "tmpfs", 0)
    for file in [program, *libraries]:
        os.makedirs(root + os.path.dirname(file), exist_ok=True)
        shutil.copy(file, root + file)
    for folder in ("proc", "state", "old", "dev", "scratch", "tmp", "run", "var/run"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    scratch.mount("proc", f"{root}/proc", "proc", 0)
    for i, point in enumerate(mounts):
        os.mkdir(f"{root}/scratch/{i}")
        scratch.mount(point, f"{root}/scratch/{i}", None, scratch.MS_BIND)
    os.chdir(root)
    number = 155 if os.uname().machine == "x86_64" else 41  # pivot_root has no wrapper in libc
    scratch.checked(scratch.libc.syscall(number, b".", b"old"), "pivot_root")
    os.chdir("/")
    scratch.unmount("/old", scratch.MNT_DETACH)
    return program


def _refuse_other_disks(expected):
    disks = [(point, source) for _, point, source in scratch.mount_table() if source[:1] == "/"]
    if len(disks) != expected or not all(p.startswith("/scratch/") for p, _ in disks):
        raise RuntimeError(f"other disks are mounted: {disks}")
