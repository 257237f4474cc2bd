#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The front with image files and plain files for disks: faults on demand, the host's answers, its own log."""
import http.client
import json
import os
import pathlib
import socket
import sys
import tempfile
import time
import unittest

import disk_copy
import trial

SIZE = (9 << 20) + 8192
DOSNAPSHOT = "/metadata/recsvc/snapshot/dosnapshot"


class FrontTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="sp-front-")))
        self.disk = self.folder / "disk"
        with open(self.disk, "wb") as out:
            out.truncate(SIZE)
            for offset in (0, 3 << 20, (4 << 20) - 10, SIZE - 100):
                out.seek(offset)
                out.write(os.urandom(100))
        self.faults = self.folder / "faults.json"
        self.front = self.enterContext(trial.front(
            "--images", self.folder / "images", "--faults", self.faults, "--verbose",
            "--disk", f"0:disks/data={self.disk}", "--disk", f"1:disks/gone={self.disk}"))

    def set_faults(self, *rules):
        draft = self.folder / "draft"
        draft.write_text(json.dumps(rules), encoding="utf-8")
        draft.rename(self.faults)

    def snapshot(self, **named):
        return self.front.call("PUT", "/devstoreaccount1/disks/data?sig=SIGNATURE&comp=snapshot", **named)

    def images(self):
        return sorted((self.folder / "images").iterdir())

    def line(self, number=-1):
        trial.wait_until(lambda: self.front.lines, "a line of the front's log")
        return self.front.lines[number]

    def test_a_snapshot_is_a_sparse_copy_of_the_moment(self):
        before = self.disk.read_bytes()
        status, headers, _ = self.snapshot()
        with open(self.disk, "r+b") as out:
            out.write(b"changed afterwards")

        self.assertEqual(201, status)
        image = self.folder / "images" / f"disks_data@{headers['x-ms-snapshot']}.img"
        self.assertEqual(before, image.read_bytes())
        self.assertLess(image.stat().st_blocks * 512, SIZE // 4)

    def test_its_time_is_in_the_reply_and_in_the_log_but_never_the_signature(self):
        _, headers, _ = self.snapshot(headers={"x-ms-meta-Key": "value"})
        line = self.line()

        self.assertGreater(float(headers["x-front-ms"]), 0)
        self.assertEqual("PUT /devstoreaccount1/disks/data", line["request"])
        self.assertEqual((201, headers["x-ms-snapshot"]), (line["status"], line["snapshot"]))
        self.assertIn(["x-ms-meta-Key", "value"], line["headers"])
        self.assertGreaterEqual(line["copy_ended_ns"], line["copy_began_ns"])
        self.assertNotIn("SIGNATURE", json.dumps(self.front.lines))

    def test_a_canned_fault_comes_as_often_as_asked(self):
        self.set_faults({"path": "disks/data", "comp": "snapshot", "skip": 1, "times": 1, "canned": "rate_exceeded"})
        answers = [self.snapshot() for _ in range(3)]

        self.assertEqual([201, 409, 201], [status for status, _, _ in answers])
        self.assertIn(b"SnapshotOperationRateExceeded", answers[1][2])
        self.assertEqual("SnapshotOperationRateExceeded", answers[1][1]["x-ms-error-code"])
        self.assertEqual(2, len(self.images()))

    def test_a_delay_alone_answers_late_but_well(self):
        self.set_faults({"path": "disks/data", "delay_ms": 300})
        began = time.monotonic()
        self.assertEqual(201, self.snapshot()[0])
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_a_reply_can_be_lost_after_the_snapshot_was_taken(self):
        self.set_faults({"path": "disks/data", "close": True, "after": True})
        with self.assertRaises(ConnectionError):
            self.snapshot()
        self.assertEqual(1, len(self.images()))

    def test_a_connection_can_be_closed_before_anything_was_done(self):
        self.set_faults({"path": "disks/data", "close": True})
        with self.assertRaises(ConnectionError):
            self.snapshot()
        self.assertEqual([], self.images())

    def test_a_connection_can_be_reset(self):
        self.set_faults({"path": "disks/data", "reset": True})
        with self.assertRaises(ConnectionResetError):
            self.snapshot()
        self.assertEqual([], self.images())

    def test_an_answer_can_be_cut_off(self):
        self.set_faults({"path": "disks/data", "status": 200, "body": "0123456789" * 10, "cut": 120})
        with self.assertRaises(http.client.IncompleteRead):
            self.snapshot()

    def test_a_hang_lasts_until_the_client_goes(self):
        self.set_faults({"path": "disks/data", "hang": True, "times": 1})
        with self.assertRaises(TimeoutError):
            self.snapshot(timeout_s=0.3)
        self.assertEqual(201, self.snapshot()[0])

    def test_faults_can_be_taken_back(self):
        self.set_faults({"path": "", "status": 503, "body": "no"})
        self.assertEqual((503, b"no"), self.snapshot()[::2])
        self.set_faults()
        self.assertEqual(201, self.snapshot()[0])

    def test_a_disk_that_cannot_be_read_is_an_error_of_that_call(self):
        self.disk.unlink()
        self.assertEqual(500, self.snapshot()[0])
        body = json.dumps({"diskIds": [0]})
        infos = json.loads(self.front.call("POST", DOSNAPSHOT, body)[2])["snapshotInfo"]
        self.assertEqual(("false", 500), (infos[0]["isSuccessful"], infos[0]["statusCode"]))

    def test_one_connection_carries_many_requests(self):
        with socket.create_connection(self.front.address, timeout=20) as link, link.makefile("rb") as stream:
            for _ in range(3):
                link.sendall(b"PUT /disks/data?comp=snapshot HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                self.assertEqual(b"HTTP/1.1 201 Created\r\n", stream.readline())
                while stream.readline() != b"\r\n":
                    pass
        self.assertEqual(3, len(self.images()))

    def test_other_blobs_are_kept(self):
        headers = {"x-ms-blob-type": "BlockBlob"}
        self.assertEqual(404, self.front.call("GET", "/status/vm?sig=a")[0])
        self.assertEqual(201, self.front.call("PUT", "/status/vm?sig=a", b"[1]", headers)[0])
        status, got, body = self.front.call("GET", "/status/vm?sig=a")
        self.assertEqual((200, "BlockBlob", b"[1]"), (status, got["x-ms-blob-type"], body))

    def test_the_host_gives_its_time_before_a_snapshot(self):
        status, _, body = self.front.call("POST", "/metadata/recsvc/snapshot/presnapshot?api-version=2017-12-01", b"{}")
        now = json.loads(body)["responseTime"]
        self.assertEqual((200, ["day", "hour", "minute", "month", "second", "year"]), (status, sorted(now)))

    def test_the_host_takes_every_disk_when_none_is_named(self):
        infos = json.loads(self.front.call("POST", DOSNAPSHOT, json.dumps({"diskIds": []}))[2])["snapshotInfo"]
        self.assertEqual(["true", "true"], [info["isSuccessful"] for info in infos])
        self.assertRegex(infos[0]["snapshotUri"], r"/disks/data\?snapshot=20\d\d-")

    def test_the_host_refuses_what_it_cannot_read(self):
        self.assertEqual(400, self.front.call("POST", DOSNAPSHOT, b"no json")[0])


class RunsTest(unittest.TestCase):
    def test_neighbours_of_one_kind_are_joined_up_to_the_limit_of_a_request(self):
        chunk = disk_copy.CHUNK
        whole = disk_copy.READ // chunk
        data = [(index * chunk, chunk, b"x" * chunk) for index in range(whole + 1)]
        zeros = [((whole + 1 + index) * chunk, chunk, None) for index in range(100)]
        far = [(1000 * chunk, chunk, b"y" * chunk)]
        runs = [(offset, length, content is None) for offset, length, content in disk_copy.runs_of(data + zeros + far)]
        self.assertEqual([(0, disk_copy.READ, False), (disk_copy.READ, chunk, False),
                          ((whole + 1) * chunk, 100 * chunk, True), (1000 * chunk, chunk, False)], runs)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
