#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`stillpoint inspect` on copies of filesystems that were mounted, held still, and unmounted, and whether it agrees
with the filesystems' own tools about each.

    inspect_mounted_test.py STILLPOINT FOLDER       as root; scratch filesystems are made in FOLDER
"""
import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[2] / "scratch")]
import images  # noqa: E402
import scratch  # noqa: E402
from images import run, state_of  # noqa: E402

FOLDER = None
FILES = 400


def write(mount, name):
    """Changes that are in the log and not yet where they belong."""
    for number in range(FILES):
        pathlib.Path(mount, f"{name}{number}").write_text(f"{name} {number}\n", encoding="ascii")
    file = os.open(pathlib.Path(mount, f"{name}0"), os.O_WRONLY)
    os.write(file, b"synced")
    os.fsync(file)
    os.close(file)


def seen_by_tools(fs, image):
    """The same facts, by the filesystem's own tool."""
    if fs == "ext4":
        header = run("dumpe2fs", "-h", image)
        features = re.search(r"^Filesystem features:(.*)$", header, re.MULTILINE)[1].split()
        return {"needs_recovery": "yes" if "needs_recovery" in features else "no"}
    if fs == "btrfs":
        found = re.search(r"^log_root\s+(\d+)$", run("btrfs", "inspect-internal", "dump-super", image), re.MULTILINE)
        return {"log_root": found[1]}
    log = run("xfs_logprint", "-t", image, allowed=(0, 1))
    tail, head, state = re.search(r"log tail: (\d+) head: (\d+) state: <(\w+)>", log).groups()
    count = sum(1 for line in log.splitlines() if line.startswith("TRANS"))
    return {"log_tail": tail, "log_head": head, "transactions": "0" if state == "CLEAN" else str(count)}


class Mounted(unittest.TestCase):
    def judge(self, fs, image, verdict):
        state = state_of(image)
        self.assertEqual(verdict, state["verdict"], f"{fs}: {state}")
        for name, value in seen_by_tools(fs, image).items():
            self.assertEqual(value, state["facts"][name], f"{fs}: {name}")
        code, _ = images.inspect(image)
        self.assertEqual(3 if verdict == "needs replay" else 0, code)

    def test_verdicts_are_those_of_the_tools(self):
        with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="copies-") as folder:
            copies = pathlib.Path(folder)

            def copy(disk, name):
                return run("dd", f"if={disk['device']}", f"of={copies / name}", "bs=1M", "iflag=direct",
                           "conv=sparse") is not None and copies / name

            with scratch.filesystems_in(FOLDER) as disks:
                for disk in disks:
                    write(disk["mount"], "one")
                    dirty = copy(disk, f"{disk['fs']}.dirty")
                    write(disk["mount"], "two")
                    with scratch.held([disk["mount"]]):
                        still = copy(disk, f"{disk['fs']}.still")
                    run("mount", "-o", "remount,ro", disk["mount"])
                    idle = copy(disk, f"{disk['fs']}.idle")
                    with self.subTest(disk["fs"]):
                        rest = "nothing to replay" if disk["fs"] == "btrfs" else "clean"
                        self.judge(disk["fs"], dirty, "needs replay")
                        self.judge(disk["fs"], still, "still" if disk["fs"] == "xfs" else rest)
                        self.judge(disk["fs"], idle, rest)


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv.pop(2)).resolve()
    images.STILLPOINT = sys.argv.pop(1)
    needed = images.missing_tools("dumpe2fs", "xfs_logprint", "btrfs", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
    if os.geteuid() != 0 or needed:
        print("skipped: not root, or not installed:", *needed)
        sys.exit(77)
    scratch.enter_private_namespace()
    unittest.main(verbosity=2)
