#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""When a hold that failed may still end in a crash-consistent point, and what is said when it may not. Disk 0 is
frozen by somebody else in all of these."""
import json

import case
import mounts
import outcome
import request
from outcome import settings

ALLOWED = {"isManagedVm": True, "canTakeCrashConsistentSnapshot": True, "backupRetryCount": 1}


class FallbackTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def run_frozen(self, *rules, luns=(0, 1, 2), blobs=(), mode="onlyHost", **custom):
        self.break_things(*rules)
        self.number += 1
        self.started_at = self.front_lines()
        self.ask_for(self.number, settings(mode, custom={**ALLOWED, **custom}, luns=luns), blobs)
        with outcome.frozen(self.mounts[0]):
            status = self.guest.backup(self.number)
            case.trial.wait_until(lambda: not case.rig.ours(), "the worker to end")
        self.check_nothing_is_left()
        return status

    def check_lesser(self, status, creator):
        self.check_success(status, outcome.CRASH, health=121)
        self.assertEqual(("crashConsistent", creator),
                         (status.facts["consistencyType"], status.facts["snapshotCreator"]))
        self.assertRegex(status.message["messageStr"], f"reason=.*'{self.mounts[0]}'.*frozen by somebody else")

    def test_one_disk(self):
        self.check_lesser(self.run_frozen(luns=(0,)), "backupHostService")

    def test_several_disks_that_nothing_spans(self):
        self.check_lesser(self.run_frozen(backupRetryCount=3), "backupHostService")
        self.check_lesser(self.run_frozen(mode="onlyGuest", luns=(), blobs=self.blobs()), "guestExtension")

    def test_it_is_not_allowed(self):
        for custom, why in (({"isManagedVm": False}, "the machine has unmanaged disks"),
                            ({"canTakeCrashConsistentSnapshot": False}, "the request does not allow"),
                            ({"canTakeCrashConsistentSnapshot": None}, "the request does not allow"),
                            ({"backupRetryCount": 0}, "it is the first try of this backup"),
                            ({"backupRetryCount": None}, "it is the first try of this backup")):
            with self.subTest(custom):
                status = self.run_frozen(**custom)
                self.check_end(status, outcome.Cause("", (), 121, says=(
                    f"'{self.mounts[0]}'", f"no crash-consistent point instead: {why}")))
                self.assertEqual([], self.calls_now("dosnapshot"))

    def test_a_filesystem_lies_across_two_disks(self):
        """No counter can prove one moment where one of the disks is not held."""
        with mounts.btrfs_across(self.mounts[1:3], self.folder / "across"):
            status = self.run_frozen()
            self.check_end(status, outcome.Cause("", (), 121, says=(
                "no crash-consistent point instead: a mounted filesystem or its volumes lie across several disks",)))

    def test_a_lesser_point_needs_every_disk_all_the_same(self):
        infos = [{"isSuccessful": text, "snapshotUri": "https://m/c/d?snapshot=t", "errorMessage": "",
                  "statusCode": 200} for text in ("true", "false", "true")]
        status = self.run_frozen({"path": "dosnapshot", "status": 200, "body": json.dumps({"snapshotInfo": infos})})
        self.check_end(status, outcome.Cause("", (), 76, taken=["true", "false", "true"], says=("LUN 1",)))

    def test_without_a_failed_hold_it_is_no_lesser_point(self):
        self.check_success(self.backup(request.public(fallback=True)))


if __name__ == "__main__":
    case.run_tests()
