#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge, the load and the front agree: frozen copies are clean, copies of a running filesystem are not.

    still_point_test.py SCRATCH_WRITER        as root; freezes scratch filesystems of its own only
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "store"))
import trial  # noqa: E402
import judge  # noqa: E402
import scratch  # noqa: E402

TOOLS = ("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "dumpe2fs", "e2fsck", "xfs_logprint", "xfs_repair", "btrfs", "blkid")
WRITER = None
TRIES = 3


class StillPoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sp-still-")))
        cls.images = folder / "images"
        cls.disks = cls.enterClassContext(scratch.filesystems_in(folder / "scratch"))
        cls.mounts = [disk["mount"] for disk in cls.disks]
        named = [f"--disk={lun}:disks/{disk['fs']}={disk['device']}" for lun, disk in enumerate(cls.disks)]
        cls.front = cls.enterClassContext(trial.front("--images", cls.images, *named))

    def tearDown(self):
        """Nothing stayed frozen: every filesystem still takes a write."""
        for mount in self.mounts:
            subprocess.run(["dd", "if=/dev/zero", f"of={mount}/probe", "bs=512", "count=1", "conv=fsync"],
                           check=True, timeout=20, stderr=subprocess.DEVNULL)

    def snapshot_all(self):
        """The image files of one round of parallel snapshots."""
        answers = trial.in_parallel(lambda disk: self.front.call("PUT", f"/disks/{disk['fs']}?comp=snapshot"),
                                    self.disks)
        self.assertEqual([201] * len(self.disks), [status for status, _, _ in answers])
        return [self.images / f"disks_{disk['fs']}@{headers['x-ms-snapshot']}.img"
                for disk, (_, headers, _) in zip(self.disks, answers)]

    def wait_for_records(self, more):
        """Until so many bytes of records have been added on the last filesystem."""
        records = pathlib.Path(self.mounts[-1]) / "writer/records"
        before = records.stat().st_size
        trial.wait_until(lambda: records.stat().st_size > before + more, "the load to write")

    @contextlib.contextmanager
    def under_load(self, heavy):
        with trial.writer(WRITER, self.mounts, heavy) as load:
            self.wait_for_records(8000)
            yield load

    def test_images_of_held_filesystems_are_clean(self):
        for heavy in (False, True):
            with self.subTest(heavy=heavy), self.under_load(heavy) as load:
                began = trial.boottime_ns()
                with scratch.held(self.mounts):
                    frozen = trial.boottime_ns()
                    images = self.snapshot_all()
                    thawing = trial.boottime_ns()
            code, results, summary = trial.judge(*images)

            self.assertEqual([], [reason for result in results for reason in result["reasons"]])
            self.assertEqual((0, True), (code, summary.get("clean")))
            self.assertEqual(len(self.disks), len(summary["order"]))
            for report in load.report:  # the load saw the hold, and says so
                self.assertGreaterEqual(report["longest_write_ms"], (thawing - frozen) / 1e6 * 0.9)
                self.assertGreater(report["longest_write_began_ns"], began - 1_000_000_000)
                self.assertLess(report["longest_write_began_ns"], thawing)

    def test_images_of_running_filesystems_are_dirty(self):
        dirty = set()
        with self.under_load(heavy=True):
            for _ in range(TRIES):
                code, results, summary = trial.judge(*self.snapshot_all())
                self.assertEqual(1, code, summary)
                dirty |= {result["fs"] for result in results if not result["clean"]}
                if len(dirty) == len(self.disks):
                    break
        self.assertEqual({disk["fs"] for disk in self.disks}, dirty)

    def test_clean_images_of_different_instants_are_found_out(self):
        with self.under_load(heavy=False):
            with scratch.held(self.mounts):
                earlier = self.snapshot_all()
            self.wait_for_records(1000)
            with scratch.held(self.mounts):
                later = self.snapshot_all()
        code, results, summary = trial.judge(earlier[0], later[1], earlier[2])

        self.assertEqual([True] * 3, [result["clean"] for result in results])
        self.assertEqual((1, ["the disks are of different instants"]), (code, summary["reasons"]))

    def test_the_host_snapshots_the_disks_that_are_asked_for(self):
        before = set(self.images.iterdir())
        body = json.dumps({"taskId": "t", "diskIds": [0, 2, 7], "snapshotMetadata": []})
        with self.under_load(heavy=False):
            with scratch.held(self.mounts):
                status, _, answer = self.front.call("POST", "/metadata/recsvc/snapshot/dosnapshot", body)
        infos = json.loads(answer)["snapshotInfo"]
        images = sorted(set(self.images.iterdir()) - before)

        self.assertEqual((200, ["true", "true", "false"]), (status, [info["isSuccessful"] for info in infos]))
        self.assertEqual(404, infos[2]["statusCode"])
        self.assertEqual(2, len(images))
        self.assertEqual(0, trial.judge(*images)[0])

    def test_an_image_without_a_filesystem_cannot_be_judged(self):
        blank = self.images / "blank"
        blank.write_bytes(bytes(1 << 20))
        self.assertEqual(2, trial.judge(blank)[0])

    def test_a_damaged_image_is_dirty(self):
        with scratch.held(self.mounts):
            images = self.snapshot_all()
        self.assertEqual(0, trial.judge(*images)[0])
        # Group descriptors and first inodes of ext4, free space of xfs, the trees of btrfs.
        for image, offset, length in zip(images, (0x2000, 0x4000, 0x500000), (0x400, 0x1000, 0x1200000)):
            with open(image, "r+b") as out:
                out.seek(offset)
                out.write(os.urandom(length))
            code, results, summary = trial.judge(image)
            self.assertEqual((1, False), (code, summary.get("clean")), (results, summary))

    def test_btrfs_is_also_read_without_a_mount(self):
        with self.under_load(heavy=False):
            with scratch.held(self.mounts):
                image = self.snapshot_all()[-1]
        expected = trial.judge(image)[1][0]
        with tempfile.TemporaryDirectory(dir=self.images) as folder:
            judge.restore(str(image), folder)
            faults = []
            writer = pathlib.Path(folder, "writer")
            found = judge.records_in(writer, faults)
            judge.check_bulk(writer, faults)
            judge.check_markers(writer, faults)

        self.assertEqual("btrfs", expected["fs"])
        self.assertEqual((expected["last_record"], expected["disk"], []), (*found, faults))


if __name__ == "__main__":
    trial.skip_unless(root=True, tools=TOOLS)
    WRITER = sys.argv.pop(1)
    scratch.enter_private_namespace()
    unittest.main(verbosity=2)
