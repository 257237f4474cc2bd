#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the storage service can do to a backup by the guest: each answer, and each way of giving none."""
import pathlib

import case
import outcome
import request
from outcome import Cause, by_guest

ALL, ONE = "", "disks/1"
COUNT, RATE, NO_NETWORK = ("StatusCode.FailedSnapshotLimitReached", "StatusCode.FailedRetryableSnapshotRateExceeded",
                           "StatusCode.FailedRetryableSnapshotFailedNoNetwork")
NOTHING, NOT_THE_SECOND = [False] * 3, [True, False, True]
LARGE = "x" * (2 << 20)
CLOSED_PORT = "http://127.0.0.1:9/devstoreaccount1"
NO_SUCH_NAME = "http://store.invalid/devstoreaccount1"


def snapshots(path, **what):
    return ({"path": path, "comp": "snapshot", **what},)


class BlobAnswerTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_blobs(self, *causes):
        self.check_each(causes, by_guest, self.blobs, 3)

    def test_refusals(self):
        self.check_blobs(
            Cause("all forbidden", snapshots(ALL, canned="forbidden"), 76, taken=NOTHING,
                  says=("/disks/0'", "HTTP 403", NO_NETWORK)),
            Cause("one forbidden", snapshots(ONE, canned="forbidden"), 76, 761, NOT_THE_SECOND,
                  ("/disks/1'", "HTTP 403", NO_NETWORK)),
            Cause("one not there", snapshots(ONE, canned="not_found"), 76, 761, NOT_THE_SECOND,
                  ("/disks/1'", "HTTP 404")),
            Cause("all busy", snapshots(ALL, canned="busy"), 76, taken=NOTHING, says=("HTTP 503",)))

    def test_too_many_snapshots(self):
        self.check_blobs(
            Cause("of all", snapshots(ALL, canned="count_exceeded"), 85, taken=NOTHING, says=("/disks/0'", COUNT)),
            Cause("of one", snapshots(ONE, canned="count_exceeded"), 85, taken=NOT_THE_SECOND,
                  says=("/disks/1'", "HTTP 409", COUNT)),
            Cause("of one, another too often", (*snapshots("disks/0", canned="rate_exceeded"),
                                                *snapshots(ONE, canned="count_exceeded")), 85,
                  taken=[False, False, True], says=("/disks/1'", COUNT)))

    def test_snapshots_too_often(self):
        self.check_blobs(
            Cause("of all", snapshots(ALL, canned="rate_exceeded"), 173, taken=NOTHING, says=("/disks/0'", RATE)),
            Cause("of one", snapshots(ONE, canned="rate_exceeded"), 173, taken=NOT_THE_SECOND,
                  says=("/disks/1'", RATE)),
            Cause("of one, another forbidden", (*snapshots("disks/0", canned="forbidden"),
                                                *snapshots(ONE, canned="rate_exceeded")), 173,
                  taken=[False, False, True], says=("/disks/1'", RATE)))

    def test_a_refused_disk_keeps_the_services_own_words(self):
        status = self.backup(by_guest(), *snapshots(ONE, canned="forbidden"), blobs=self.blobs())
        self.assertIn("AuthenticationFailed", status.disks[1]["errorMessage"])
        self.assertEqual((None, None), (status.disks[1]["snapshotUri"], status.disks[1]["blobUri"]))

    def test_replies_that_are_none(self):
        self.check_blobs(
            Cause("a snapshot without a name", snapshots(ONE, status=201), 76, 761, NOT_THE_SECOND,
                  ("did not name the snapshot", "/disks/1'")),
            Cause("a body without end", snapshots(ONE, status=201, body=LARGE), 76, 761, NOT_THE_SECOND,
                  ("larger than 1 MiB", "/disks/1'")),
            Cause("cut off in its head", snapshots(ONE, cut=20), 76, 761, NOT_THE_SECOND,
                  ("no answer about a snapshot of", "/disks/1'")),
            Cause("closed before anything was done", snapshots(ONE, close=True), 76, 761, NOT_THE_SECOND,
                  ("closed the connection before its reply", "/disks/1'")),
            Cause("reset", snapshots(ONE, reset=True), 76, 761, NOT_THE_SECOND, ("reset", "/disks/1'")),
            Cause("closed after the snapshot was taken", snapshots(ONE, after=True, close=True), 76, 761,
                  NOT_THE_SECOND, ("closed the connection before its reply",)),
            Cause("closed by all", snapshots(ALL, close=True), 76, taken=NOTHING))


class OutOfReachTest(outcome.OutcomeTest):
    """Found out before anything is held: nothing is sent to the others, which are listed as not tried."""

    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()
        # Nobody answers there, at once: whether there is a name server outside does not matter.
        pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                                                    encoding="ascii")

    def check_unheld(self, cause, blobs):
        status = self.backup(by_guest(), blobs=blobs)
        self.check_end(status, cause)
        self.assertEqual([], self.snapshot_calls())
        self.assertNotIn("heldTime", status.facts)
        return status

    def test_one_name_is_unknown(self):
        blobs = self.blobs()
        blobs[1] = request.planted_sas(NO_SUCH_NAME, "disks/1")
        status = self.check_unheld(Cause("", (), 76, 761, NOTHING, ("store.invalid",)), blobs)
        self.assertIn("not tried", status.disks[0]["errorMessage"])
        self.assertIsNone(status.disks[1]["errorMessage"])

    def test_no_name_is_known(self):
        self.check_unheld(Cause("", (), 76, 76, NOTHING, ("store.invalid",)),
                          [request.planted_sas(NO_SUCH_NAME, f"disks/{lun}") for lun in range(3)])

    def test_nobody_listens(self):
        self.check_unheld(Cause("", (), 76, 76, NOTHING, ("Connection refused",)),
                          [request.planted_sas(CLOSED_PORT, f"disks/{lun}") for lun in range(3)])

    def test_one_resets_every_connection(self):
        """Seen before the hold or only when the request is to be sent; every disk is listed either way."""
        blobs = self.blobs()
        with outcome.resetting_server() as port:
            blobs[1] = request.planted_sas(f"http://127.0.0.1:{port}/devstoreaccount1", "disks/1")
            status = self.backup(by_guest(), blobs=blobs)
        taken = [disk["isSuccessful"] for disk in status.disks]
        self.assertEqual((3, False), (len(taken), taken[1]), status)
        self.check_end(status, Cause("", (), 76, 761, taken, ("/disks/1'",)))

    def test_the_settings_name_no_blob(self):
        self.check_unheld(Cause("", (), 76, 76, [], ("name no blob",)), [])


if __name__ == "__main__":
    case.run_tests()
