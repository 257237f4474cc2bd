#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scratch filesystems never stay frozen and never stay behind, whatever a test does. As root."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "store"))
import trial  # noqa: E402
import scratch  # noqa: E402

SCRIPT = pathlib.Path(scratch.__file__).resolve()
HOLD_AND_DIE = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import scratch
with scratch.held(sys.argv[2:]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def call(*arguments, timeout=60):
    return subprocess.run([sys.executable, SCRIPT, *arguments], check=False, capture_output=True, text=True,
                          timeout=timeout)


class ScratchTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="sp-scratch-")))
        self.dir = self.folder / "disks"
        self.note = self.folder / "note"

    def run_script(self, script, fs="ext4", kind=scratch.default_kind()):
        """Runs the shell script there; it may leave words in the file $NOTE."""
        return call("run", "--dir", self.dir, "--fs", fs, "--kind", kind, "--", "sh", "-c",
                    f"NOTE={self.note}; D={self.dir}; set -e; {script}")

    def assert_nothing_is_left(self):
        disks = json.loads(self.note.read_text(encoding="utf-8"))["disks"]
        for disk in disks:
            self.assertFalse(scratch.is_still_ours(disk), disk)
        self.assertFalse((self.dir / "scratch.json").exists())

    def test_the_command_sees_the_disks_and_its_exit_code_comes_back(self):
        for kind in ("zram", "loop") if scratch.default_kind() == "zram" else ("loop",):
            with self.subTest(kind):
                done = self.run_script("cat $SP_SCRATCH > $NOTE; stat -f -c %T $D/0-ext4 $D/1-btrfs; exit 7",
                                       "ext4,btrfs", kind)
                self.assertEqual((7, ["ext2/ext3", "btrfs"]), (done.returncode, done.stdout.split()))
                self.assert_nothing_is_left()

    def test_a_filesystem_left_frozen_is_thawed_and_told(self):
        done = self.run_script("cat $SP_SCRATCH > $NOTE; fsfreeze -f $D/0-ext4")
        self.assertEqual(3, done.returncode)
        self.assertIn("stayed frozen", done.stderr)
        self.assert_nothing_is_left()

    def test_a_holder_that_dies_is_thawed_for(self):
        program = self.folder / "hold.py"
        program.write_text(HOLD_AND_DIE, encoding="utf-8")
        hold = f"{sys.executable} {program} {SCRIPT.parent} $D/0-ext4"
        done = self.run_script(f"cat $SP_SCRATCH > $NOTE; {hold} || true; "
                               "timeout 10 touch $D/0-ext4/written")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_nothing_is_left()

    def test_an_ended_run_takes_a_blocked_command_with_it(self):
        script = f"cat $SP_SCRATCH > {self.note}; fsfreeze -f {self.dir}/0-ext4; touch {self.dir}/0-ext4/blocked"
        running = subprocess.Popen([sys.executable, SCRIPT, "run", "--dir", self.dir, "--fs", "ext4", "--", "sh", "-c",
                                    script], stderr=subprocess.DEVNULL)
        try:
            trial.wait_until(lambda: self.note.exists() and self.note.stat().st_size > 0, "the command to begin")
            time.sleep(0.3)  # either way of being ended must work: blocked already, or not yet
            running.send_signal(signal.SIGTERM)
            self.assertEqual(143, running.wait(timeout=30))
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
        self.assert_nothing_is_left()

    def test_odd_mounts_are_undone(self):
        done = self.run_script(
            "cat $SP_SCRATCH > $NOTE; mkdir $D/bind $D/sub $D/nest $D/tmp; mount --bind $D/0-ext4 $D/bind; "
            "btrfs -q subvolume create $D/1-btrfs/sub; mount --bind $D/1-btrfs/sub $D/sub; "
            "truncate -s 16M $D/0-ext4/nested; mkfs.ext4 -q $D/0-ext4/nested; mount -o loop $D/0-ext4/nested $D/nest; "
            "mount -t tmpfs none $D/tmp; fsfreeze -f $D/nest; fsfreeze -f $D/0-ext4", "ext4,btrfs")
        self.assertEqual(3, done.returncode, done.stderr)
        self.assert_nothing_is_left()

    def test_a_folder_in_use_is_refused_and_left_alone(self):
        done = self.run_script(f"cat $SP_SCRATCH > $NOTE; {sys.executable} {SCRIPT} run --dir $D -- true || "
                               "touch $D/0-ext4/still-there")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("is in use", done.stderr)
        self.assert_nothing_is_left()

    def test_nothing_is_mounted_where_others_would_see_it(self):
        done = call("up", "--dir", self.dir)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("not in a private mount namespace", done.stderr)
        self.assertFalse(os.path.exists(self.dir / "scratch.json"))


if __name__ == "__main__":
    trial.skip_unless(root=True, tools=("mkfs.ext4", "mkfs.btrfs", "btrfs", "blkid", "losetup", "fsfreeze"))
    unittest.main(verbosity=2)
