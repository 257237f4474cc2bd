#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The front before Azurite: what is read back is what was on the disk, and the store refuses what it must.

    store_test.py SCRATCH_WRITER              as root; freezes scratch filesystems of its own only
"""
import hashlib
import json
import pathlib
import sys
import tempfile
import unittest

import azurite
import blob_client
import disk_copy
import sas
import trial

import scratch  # found by trial

WRITER = None


def digest_of_disk(device):
    with open(disk_copy.open_disk(device), "rb", buffering=0) as disk:
        total = hashlib.sha256()
        for _, block in disk_copy.blocks_of(disk.fileno(), disk_copy.size_of(device)):
            total.update(block)
        return total.hexdigest()


class StoreTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sp-store-")))
        cls.disks = cls.enterClassContext(scratch.filesystems_in(cls.folder / "scratch"))
        cls.mounts = [disk["mount"] for disk in cls.disks]
        port = cls.enterClassContext(azurite.store())
        cls.client = blob_client.BlobClient(port)
        cls.addClassCleanup(cls.client.close)
        named = [f"--disk={lun}:disks/{disk['fs']}={disk['device']}" for lun, disk in enumerate(cls.disks)]
        cls.front = cls.enterClassContext(trial.front("--azurite", port, "--verbose", *named))

    def snapshot(self, blob, query=None, headers=None):
        query = sas.blob_sas(blob) if query is None else query
        return self.front.call("PUT", f"/{sas.ACCOUNT}/{blob}?{query}&comp=snapshot", headers=headers)

    def snapshot_all(self):
        answers = trial.in_parallel(lambda disk: self.snapshot(f"disks/{disk['fs']}"), self.disks)
        self.assertEqual([201] * len(self.disks), [status for status, _, _ in answers], answers)
        return [headers["x-ms-snapshot"] for _, headers, _ in answers]

    def read_back(self, fs, moment):
        image = self.folder / f"{fs}@{moment}.img"
        self.client.read_to_file(f"disks/{fs}", image, moment)
        return image

    def held_snapshot(self):
        """(times of the snapshots, digests of the disks) of one hold."""
        with scratch.held(self.mounts):
            moments = self.snapshot_all()
            return moments, [digest_of_disk(disk["device"]) for disk in self.disks]

    def test_what_is_read_back_is_what_was_on_the_disk_at_the_still_point(self):
        with trial.writer(WRITER, self.mounts) as load:
            records = pathlib.Path(self.mounts[-1], "writer/records")
            trial.wait_until(lambda: records.stat().st_size > 5000, "the load to write")
            self.assertEqual(200, self.front.call("POST", "/_front/prime")[0])
            first, first_digests = self.held_snapshot()
            size = records.stat().st_size
            trial.wait_until(lambda: records.stat().st_size > size + 5000, "the load to write on")
            second, second_digests = self.held_snapshot()
        for moments, digests in ((first, first_digests), (second, second_digests)):
            images = [self.read_back(disk["fs"], moment) for disk, moment in zip(self.disks, moments)]
            for image, digest in zip(images, digests):
                self.assertEqual(digest, digest_of_disk(image), image)
            code, results, summary = trial.judge(*images)
            self.assertEqual(0, code, (results, summary))
        self.assertNotEqual(first_digests, second_digests)
        copies = [line for line in self.front.lines if line.get("copy_ms") is not None]
        print("copies:", *((line["request"].rsplit("/")[-1], line["copy_ms"], line["bytes"]) for line in copies))

    def test_only_what_changed_is_sent(self):
        disk = self.disks[0]["fs"]
        self.snapshot(f"disks/{disk}")
        with scratch.held(self.mounts):
            self.snapshot(f"disks/{disk}")
            before = len(self.front.lines)
            self.snapshot(f"disks/{disk}")
            trial.wait_until(lambda: len(self.front.lines) > before, "the front's line")
            self.assertEqual(0, self.front.lines[-1]["bytes"])

    def test_a_signature_decides(self):
        blob = f"disks/{self.disks[0]['fs']}"
        good = sas.blob_sas(blob)
        cases = {
            "read and write": (good, 201),
            "create": (sas.blob_sas(blob, "c"), 201),
            "of the container": (sas.blob_sas(blob, "w", resource="c"), 201),
            "read only": (sas.blob_sas(blob, "r"), 403),
            "expired": (sas.blob_sas(blob, expires_s=-60), 403),
            "tampered": (good.replace("sp=rw", "sp=rwd"), 403),
            "of another blob": (sas.blob_sas("disks/other"), 403),
            "for https": (sas.blob_sas(blob, protocol="https"), 403),
            "none": ("a=b", 403),
        }
        for name, (query, expected) in cases.items():
            with self.subTest(name):
                self.assertEqual(expected, self.snapshot(blob, query)[0])

    def test_a_blob_that_is_not_there_cannot_be_snapshotted(self):
        status, headers, _ = self.snapshot("disks/missing")
        self.assertEqual((404, "BlobNotFound"), (status, headers["x-ms-error-code"]))

    def test_metadata_is_on_the_snapshot(self):
        blob = f"disks/{self.disks[0]['fs']}"
        moment = self.snapshot(blob, headers={"x-ms-meta-backup": "one"})[1]["x-ms-snapshot"]
        _, headers, _ = self.client.request("HEAD", blob, f"snapshot={moment}")
        self.assertEqual("one", headers["x-ms-meta-backup"])
        self.assertIsNone(self.client.request("HEAD", blob)[1]["x-ms-meta-backup"])

    def test_the_store_keeps_a_prepared_connection(self):
        _, headers, _ = self.client.request("GET", "disks", "restype=container")
        self.assertEqual("timeout=300", headers["Keep-Alive"])

    def test_status_blobs_pass_through(self):
        query = sas.blob_sas("disks/status.txt", "cw")
        status, _, _ = self.front.call("PUT", f"/{sas.ACCOUNT}/disks/status.txt?{query}", b"[]",
                                       {"x-ms-blob-type": "BlockBlob"})
        self.assertEqual((201, b"[]"), (status, self.client.read("disks/status.txt")))

    def test_the_host_snapshots_into_the_store(self):
        body = json.dumps({"diskIds": [1, 9], "snapshotMetadata": [{"Key": "backup", "Value": "two"}]})
        with scratch.held(self.mounts):
            _, _, answer = self.front.call("POST", "/metadata/recsvc/snapshot/dosnapshot?api-version=2017-12-01", body)
            digest = digest_of_disk(self.disks[1]["device"])
        infos = json.loads(answer)["snapshotInfo"]

        self.assertEqual([("true", 200), ("false", 404)],
                         [(info["isSuccessful"], info["statusCode"]) for info in infos])
        moment = infos[0]["snapshotUri"].partition("?snapshot=")[2]
        self.assertEqual(digest, digest_of_disk(self.read_back(self.disks[1]["fs"], moment)))


if __name__ == "__main__":
    trial.skip_unless(root=True, tools=("node", "npm", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"))
    WRITER = sys.argv.pop(1)
    scratch.enter_private_namespace()
    unittest.main(verbosity=2)
