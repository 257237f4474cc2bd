#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C during the demo, at several moments: nothing of it stays, no process, mount, device or file.

    demo_interrupt_test.py BIN_FOLDER SCRATCH_WRITER STALL_WRITER     as root
"""
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

import room  # first: it makes the others findable
import trial

LINE_LIMIT_S = 60
END_LIMIT_S = 30
MARK = "SP_DEMO_TEST"


class Running:
    """A demo in a session and a temporary folder of its own; every process of it carries a mark."""

    def __init__(self, arguments):
        self.mark = str(uuid.uuid4())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-interrupt-"))
        self.disks = []
        programs, writer, stall_writer = arguments
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(room.HERE / "demo.py"), "--programs", programs, "--writer", writer,
             "--stall-writer", stall_writer, "--images"],
            env={**os.environ, MARK: self.mark, "TMPDIR": str(self.folder), "ASAN_OPTIONS": "detect_leaks=0"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.lines = queue.Queue()
        self.seen = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for_line(self, text):
        end = time.monotonic() + LINE_LIMIT_S
        while text is not None:
            line = self.lines.get(timeout=max(0.1, end - time.monotonic()))
            if line is None:
                raise RuntimeError(f"the demo ended before '{text}':\n{''.join(self.seen)}")
            self.seen.append(line)
            if text in line:
                break
        for record in self.folder.glob("sp-room-*/disks/scratch.json"):
            self.disks = json.loads(record.read_text(encoding="utf-8"))["disks"]

    def interrupt(self, times=1):
        for _ in range(times):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGINT)  # the foreground group, as a terminal does
            time.sleep(0.05)
        code = self.process.wait(END_LIMIT_S)
        self._reader.join(END_LIMIT_S)
        self.process.stdout.close()
        return code

    # What is left

    def processes(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                words = (entry.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                # The extension is started without our environment, but from our folder.
                if f"{MARK}={self.mark}".encode() in entry.read_bytes() or str(self.folder) in words:
                    found.append(words)
        return found

    def mounts(self):
        found = set()
        for table in pathlib.Path("/proc").glob("[0-9]*/mountinfo"):
            with contextlib.suppress(OSError):
                found |= {line for line in table.read_text(encoding="utf-8").splitlines() if str(self.folder) in line}
        return found

    def devices(self):
        """Those of its disks that still carry its filesystem; loops on its files."""
        found = [disk["device"] for disk in self.disks if disk["device"] and os.path.exists(disk["device"])
                 and uuid_on(disk["device"]) == disk["uuid"]]
        for backing in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):
                if str(self.folder) in backing.read_text(encoding="utf-8"):
                    found.append(backing.parents[1].name)
        return found

    def files(self):
        return [str(path) for path in self.folder.rglob("*")]


def uuid_on(device):
    return subprocess.run(["blkid", "-p", "-o", "value", "-s", "UUID", device], check=False, capture_output=True,
                          text=True, timeout=20).stdout.strip()


class DemoInterruptTest(unittest.TestCase):
    arguments = ()

    def interrupted(self, line, after_s=0.0, times=1):
        demo = Running(self.arguments)
        self.addCleanup(shutil.rmtree, demo.folder, ignore_errors=True)
        demo.wait_for_line(line)
        time.sleep(after_s)
        code = demo.interrupt(times)
        # 1: before the first line of the demo's own, python ends in words of its own.
        self.assertIn(code, (130, -signal.SIGINT) if line else (130, -signal.SIGINT, 1), "".join(demo.seen))
        # The last mount goes with the last process, in the kernel's own time.
        with contextlib.suppress(RuntimeError):
            trial.wait_until(lambda: not demo.processes() and not demo.mounts(), "", 5)
        self.assertEqual(([], set(), [], []), (demo.processes(), demo.mounts(), demo.devices(), demo.files()))

    def test_while_it_starts(self):
        for after_s in (0.1, 0.8):
            with self.subTest(after_s):
                self.interrupted(None, after_s)

    def test_while_disks_and_store_are_made(self):
        self.interrupted("Making", 0.1)

    def test_in_the_middle_of_a_backup(self):
        for after_s in (0.2, 0.7):
            with self.subTest(after_s):
                self.interrupted("A backup, as the VM agent", after_s)

    def test_while_the_judge_has_images_mounted(self):
        self.interrupted("Reading both back", 0.7)

    def test_while_everything_is_held(self):
        self.interrupted("gets SIGKILL", 1.0, times=3)


if __name__ == "__main__":
    trial.skip_unless(root=True, tools=("openssl", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "blkid"))
    DemoInterruptTest.arguments = [os.path.abspath(name) for name in sys.argv[1:4]]
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
