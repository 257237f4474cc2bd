#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the host's snapshot service can do to a backup: each answer, and each way of giving none."""
import json

import case
import outcome
import request
from outcome import Cause

NO_NETWORK = "StatusCode.FailedRetryableSnapshotFailedNoNetwork"
NOT_THE_SECOND = ["true", "false", "true"]
LARGE = json.dumps({"snapshotInfo": [], "padding": "x" * (2 << 20)})


def do(**what):
    return ({"path": "dosnapshot", **what},)


def info(successful, lun=0, **changes):
    good = successful in ("true", True)
    return {"isSuccessful": successful, "snapshotUri": f"https://md-0.z1/c/disk{lun}?snapshot=t" if good else "",
            "errorMessage": "" if good else "the disk is busy", "statusCode": 200 if good else 409,
            "ddSnapshotIdentifier": None, **changes}


def took(*infos):
    return {"status": 200, "body": json.dumps({"snapshotInfo": infos})}


def without(member, first="true"):
    broken = info("true", 1)
    del broken[member]
    return took(info(first, 0), broken, info("true", 2))


class HostAnswerTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_host(self, *causes):
        self.check_each(causes, request.public, list, 1)

    def test_disks_that_failed(self):
        self.check_host(
            Cause("one of three", do(**took(info("true", 0), info("false", 1), info("true", 2))), 76,
                  taken=NOT_THE_SECOND, says=("LUN 1", "HTTP 409", "'the disk is busy'", NO_NETWORK,
                                              "hostStatusCodeDoSnapshot=200")),
            Cause("all", do(**took(*(info("false", lun) for lun in range(3)))), 76, taken=["false"] * 3,
                  says=("LUN 0", "'the disk is busy'")),
            Cause("told of with a boolean", do(**took(info(True, 0), info(False, 1), info(True, 2))), 76,
                  taken=NOT_THE_SECOND, says=("LUN 1",)),
            Cause("none told of", do(**took()), 76, taken=None, says=("tells of no disk",)))

    def test_a_disk_that_is_not_told_of_leaves_nothing_to_claim(self):
        status = self.backup(request.public(), *do(**took(info("true", 0))))
        self.check_success(status, outcome.NONE, 121)
        self.assertIn("reason=the host told of 1 of 3 disks", status.message["messageStr"])

    def test_refusals(self):
        self.check_host(
            Cause("an error of the service's own", do(canned="host_failed"), 76,
                  says=("(dosnapshot) refused", "HTTP 500", "'SnapshotFailed: snapshot failed'",
                        "hostStatusCodeDoSnapshot=500")),
            Cause("no such service", do(canned="host_has_no_service"), 556,
                  says=("failed on its own side", "HTTP 500", "hostStatusCodeDoSnapshot=556",
                        "StatusCode.FailedHostSnapshotRemoteServerError")),
            Cause("not found", do(status=404, body="no"), 76, says=("HTTP 404", "hostStatusCodeDoSnapshot=404")),
            Cause("unavailable", do(status=503, body=""), 76, says=("HTTP 503",)))

    def test_replies_that_are_none(self):
        self.check_host(
            Cause("no JSON", do(status=200, body="[[[["), 76, says=("host's reply to dosnapshot",)),
            Cause("cut off in its body", do(**took(info("true")), cut=150), 76,
                  says=("cut its reply off", "hostStatusCodeDoSnapshot=555")),
            Cause("empty", do(status=200, body=""), 76, says=("answered nothing", "hostStatusCodeDoSnapshot=557")),
            Cause("without end", do(status=200, body=LARGE), 76, says=("larger than 1 MiB",)),
            Cause("closed before it", do(close=True), 76, says=("does not answer", "before its reply")),
            Cause("reset", do(reset=True), 76, says=("does not answer", "reset")),
            Cause("closed after the snapshots", do(after=True, close=True), 76, says=("does not answer",)))

    def test_members_that_are_missing(self):
        for member in ("isSuccessful", "statusCode"):
            with self.subTest(member):
                # What was understood before is a success; of the others nobody has seen a snapshot.
                status = self.backup(request.public(), *do(**without(member)))
                self.check_success(status, outcome.NONE, 121)
                self.assertEqual(["true"], [disk["isSuccessful"] for disk in status.disks], status)
                self.assertIn("reason=the host told of 1 of 3 disks", status.message["messageStr"])
                status = self.backup(request.public(), *do(**without(member, first="false")))
                self.check_end(status, Cause("", (), 76, taken=["false"]))
        status = self.backup(request.public(), *do(status=200, body="{}"))
        self.check_end(status, Cause("", (), 76, says=("'snapshotInfo' is missing",)))

    def test_booleans_instead_of_texts_are_success_all_the_same(self):
        status = self.backup(request.public(), *do(**took(*(info(True, lun) for lun in range(3)))))
        self.check_success(status)
        self.assertEqual([("true", f"https://md-0.z1/c/disk{lun}") for lun in range(3)],
                         [(disk["isSuccessful"], disk["blobUri"]) for disk in status.disks])

    def test_nobody_is_there(self):
        self.guest.configure(self.disks, {disk["device"]: lun for lun, disk in enumerate(self.disks)}, host_port=9)
        status = self.backup(request.public())
        self.check_end(status, Cause("", (), 76, says=("cannot be reached", "Connection refused",
                                                       "hostStatusCodePreSnapshot=555")))
        self.assertNotIn("heldTime", status.facts)

    def test_it_resets_every_connection(self):
        with outcome.resetting_server() as port:
            self.guest.configure(self.disks, {disk["device"]: lun for lun, disk in enumerate(self.disks)},
                                 host_port=port)
            status = self.backup(request.public())
        self.check_end(status, Cause("", (), 76, says=("hostStatusCodePreSnapshot=555",)))


class RunningTest(outcome.OutcomeTest):
    def test_what_is_said_meanwhile(self):
        self.start_front()
        self.configure()
        self.break_things(*do(delay_ms=1000))
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        running = self.guest.status(1)
        self.assertEqual((4, "success", 0), (running.code, running.inner["status"], running.consistency))
        self.assertEqual("Transitioning state in extension", running.message["messageStr"])
        self.assertEqual({"vmHealthState": outcome.GREEN, "vmHealthStatusCode": 1}, running.health)
        self.assertIsNone(running.disks)
        self.check_success(self.guest.wait_for_end(1))

    def test_another_backup_waits_for_the_first(self):
        self.start_front()
        self.configure()
        self.break_things(*do(delay_ms=1000))
        for number in (1, 2):
            self.ask_for(number)
            self.assertEqual(0, self.guest.run("enable", number).code)
        for number in (1, 2):
            self.check_success(self.guest.wait_for_end(number))
        first, second = self.calls_now("dosnapshot")
        self.assertGreater(second["at_ns"], first["at_ns"] + 1_000_000_000)


class SlowHostTest(outcome.OutcomeTest):
    """The limit of the hold is one second: everything is let go then, whatever the host does."""

    def check_slow(self, public, *rules):
        self.start_front()
        self.configure(limit_s=1)
        with self.start_pulse() as beat:
            status = self.backup(public, *rules)
            self.assertGreater(beat.longest_ms(), 800)
            self.assertLess(beat.longest_ms(), 2000)
        return status

    def test_it_answers_after_the_limit(self):
        status = self.check_slow(request.public(), *do(delay_ms=2000))
        self.check_end(status, Cause("", (), 2, taken=["true"] * 3,
                                     says=("took longer than the guest may be held", "does not allow")))

    def test_it_answers_after_the_limit_and_a_lesser_point_is_allowed(self):
        status = self.check_slow(request.public(fallback=True), *do(delay_ms=2000))
        self.check_success(status, outcome.CRASH, health=2)
        self.assertIn("let go at the deadline", status.message["messageStr"])

    def test_it_goes_away_after_the_limit(self):
        status = self.check_slow(request.public(), *do(delay_ms=2000, close=True))
        self.check_end(status, Cause("", (), 76, says=("does not answer",)))


if __name__ == "__main__":
    case.run_tests()
