# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks know of the product: its command line, its evidence, its processes."""
import contextlib
import json
import os
import subprocess

import scratch


class Product:
    def __init__(self, path):
        self.path = os.path.abspath(path)

    def hold_command(self, mounts, limit="20s", hold_for=None, command=None):
        argv = [self.path, "hold"]
        for point in mounts:
            argv += ["--only", point]
        argv += ["--only-devices", ",".join(scratch.device_numbers(mounts))]
        argv += ["--json", "--limit", limit]
        if hold_for is not None:
            argv += ["--for", hold_for]
        if command is not None:
            argv += ["--", *command]
        return argv

    def hold(self, mounts, **options):
        """Runs one hold to its end; returns its evidence."""
        done = subprocess.run(self.hold_command(mounts, **options), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"hold left with {done.returncode}: {done.stdout}{done.stderr}")
        return Evidence(done.stdout)

    def thaw_stale(self, prefix=()):
        # A sanitizer build cannot look for leaks while it is traced.
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if prefix else None
        return subprocess.run([*prefix, self.path, "thaw-stale"], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)


class Evidence:
    """The times of the held freeze, over all filesystems, in CLOCK_BOOTTIME nanoseconds."""

    def __init__(self, text):
        self.document = json.loads(text)
        self.filesystems = self.document["filesystems"]

    def times(self, key):
        return [fs[key] for fs in self.filesystems if fs.get(key)]

    def _first(self, key):
        return min(self.times(key), default=None)

    def _last(self, key):
        return max(self.times(key), default=None)

    @property
    def milestones(self):
        return {
            "rehearsed": self._last("rehearsed_ns"),
            "freeze_begun": self._first("freeze_begun_ns"),
            "frozen": self._last("frozen_ns"),
            "thaw_begun": self._first("thaw_begun_ns"),
            "thawed": self._last("thawed_ns"),
        }

    @property
    def held_ns(self):
        """From the last filesystem frozen to the first thaw begun: the still moment itself."""
        return self._first("thaw_begun_ns") - self._last("frozen_ns")

    @property
    def window_ns(self):
        """From the first freeze begun to the last thawed: anybody may be stopped in it."""
        begun = self._first("freeze_begun_ns") or self._first("frozen_ns")
        ended = self._last("thawed_ns") or self._last("thaw_begun_ns")
        return ended - begun


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def alive(pid):
    """False for a zombie whose threads are all gone. One with a thread stuck in an ioctl lives."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    for task in tasks:
        with contextlib.suppress(OSError):  # a thread may end while we look
            with open(f"/proc/{pid}/task/{task}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] not in "ZX":
                    return True
    return False


def helpers_of(worker_pid):
    """{'guard': pid, 'watcher': pid} of one hold, found by the socket name that carries the
    worker's pid; a process of another hold never matches."""
    found = {}
    prefix = f"stillpoint-{worker_pid}-"
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == worker_pid:
            continue
        argv = command_line(entry)
        if any(word == "--socket" and following.lstrip("@").startswith(prefix)
               for word, following in zip(argv, argv[1:])) or \
                any(word.startswith("--socket=" + prefix) for word in argv):
            found["watcher" if "--watch" in argv else "guard"] = int(entry)
    return found
