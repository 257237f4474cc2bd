#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who takes the snapshots, and what is asked of whom: every way of choosing, by what the host and the store receive.

When something was asked and when the disks were held are two records: the front's, and that of a pulse on every
disk. Nothing is ever asked while the disks are held but the snapshots themselves.
"""
import json

import case
import outcome
import rig
import request
from outcome import by_guest, settings

HELD_NS = 250_000_000
MIDDLE_NS = 200_000_000  # of a call that takes 400 ms
ASKED_LONG = {"path": "presnapshot", "delay_ms": 400}
HELD_LONG = {"path": "dosnapshot", "delay_ms": 400}
BLOBS_TAKE_LONG = {"path": "", "comp": "snapshot", "delay_ms": 400}
BLOBS_FAIL_LATE = {"path": "", "comp": "snapshot", "delay_ms": 400, "canned": "forbidden"}
NO_SUCH_HOST = {"path": "presnapshot", "status": 404}


class ModeTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_taken_by(self, status, creator):
        self.check_success(status)
        self.assertEqual(creator, status.facts["snapshotCreator"], status)
        by_host = creator == "backupHostService"
        self.assertEqual((by_host, not by_host),
                         (bool(self.calls_now("dosnapshot")), bool(self.snapshot_calls())), self.calls_now(""))

    def by_host(self, public, *rules):
        status = self.backup(public, *rules, blobs=self.blobs())
        self.check_taken_by(status, "backupHostService")
        return json.loads(self.calls_now("dosnapshot")[0]["body"])

    def by_guest(self, public, *rules):
        status = self.backup(public, *rules, blobs=self.blobs())
        self.check_taken_by(status, "guestExtension")
        return status


class HoldsTest(ModeTest):
    """The order of what was asked, and the holds between."""

    def run_with_pulse(self, public, *rules):
        with self.start_pulse() as beat:
            status = self.backup(public, ASKED_LONG, *rules, blobs=self.blobs())
            beat.wait_until_all_write(case.pulse.now_ns(), 5)
            self.holds = [self.holds_of(lane) for lane in beat.lanes()]
        return status

    @staticmethod
    def holds_of(lane):
        return [(begin, end) for begin, end in lane["stalls"] if end - begin > HELD_NS]

    def holds_at_its_middle(self, call):
        """Of each disk the hold, or None. (A pulse that was late to begin or to go on does not matter there.)"""
        moment = call["at_ns"] + MIDDLE_NS
        return [next((hold for hold in holds if hold[0] <= moment < hold[1]), None) for holds in self.holds]

    def check_asked_unheld(self, count):
        asked = self.calls_now("presnapshot")
        self.assertEqual(count, len(asked))
        for call in asked:
            # One disk may be late to write on a busy machine; all of them are held.
            self.assertIn(None, self.holds_at_its_middle(call), (call, self.holds))
        return asked

    def check_one_hold(self, calls):
        """All of them were answered in the same hold, of every disk; the hold."""
        found = [self.holds_at_its_middle(call) for call in calls]
        self.assertNotIn(None, found[0], (calls[0], self.holds))
        self.assertEqual([found[0]] * len(calls), found)
        return found[0]

    def test_only_the_host(self):
        status = self.run_with_pulse(request.public("onlyHost"), HELD_LONG)
        self.check_taken_by(status, "backupHostService")
        self.check_asked_unheld(1)
        self.check_one_hold(self.calls_now("dosnapshot"))

    def test_only_the_guest(self):
        status = self.run_with_pulse(by_guest(), BLOBS_TAKE_LONG)
        self.check_taken_by(status, "guestExtension")
        self.check_asked_unheld(1)
        self.check_one_hold(self.snapshot_calls())

    def test_first_the_host_which_is_there(self):
        status = self.run_with_pulse(request.public("firstHostThenGuest"), HELD_LONG)
        self.check_taken_by(status, "backupHostService")
        asked = self.check_asked_unheld(1)
        self.assertIn("preSnapshotSettings", json.loads(asked[0]["body"]))

    def test_first_the_guest_then_the_host_are_two_holds(self):
        status = self.run_with_pulse(request.public("firstGuestThenHost"), BLOBS_FAIL_LATE, HELD_LONG)
        self.check_success(status)
        self.assertEqual("backupHostService", status.facts["snapshotCreator"])
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])
        self.assertIn("firstTry=guestExtension: the storage service took no snapshot", status.message["messageStr"])
        before, between = self.check_asked_unheld(2)
        blobs, host = self.snapshot_calls(), self.calls_now("dosnapshot")
        self.assertEqual((3, 1), (len(blobs), len(host)))
        first, second = self.check_one_hold(blobs), self.check_one_hold(host)
        self.assertTrue(all(one[1] < other[0] for one, other in zip(first, second)), (first, second))
        order = [before, *sorted(blobs, key=lambda call: call["at_ns"]), between, host[0]]
        self.assertEqual(order, sorted(order, key=lambda call: call["at_ns"]))

    def test_blobs_that_cannot_be_tried_leave_it_to_the_host(self):
        """Nothing is held for them."""
        out_of_reach = [*self.blobs()[:2], request.planted_sas("http://127.0.0.1:9/devstoreaccount1", "disks/2")]
        for blobs, why in ((out_of_reach, "Connection refused"), ((), "name no blob")):
            with self.subTest(why):
                status = self.backup(request.public("firstGuestThenHost"), blobs=blobs)
                self.check_success(status)
                self.assertEqual("backupHostService", status.facts["snapshotCreator"])
                self.assertRegex(status.message["messageStr"], f"firstTry=guestExtension: .*{why}")
                self.assertEqual((2, 0, 1), (len(self.calls_now("presnapshot")), len(self.snapshot_calls()),
                                             len(self.calls_now("dosnapshot"))))

    def test_both_ways_fail(self):
        status = self.backup(request.public("firstGuestThenHost"), {"path": "", "comp": "snapshot", "canned":
                             "rate_exceeded"}, {"path": "dosnapshot", "canned": "host_has_no_service"},
                             blobs=self.blobs())
        self.check_end(status, outcome.Cause("", (), 556, says=("firstTry=guestExtension: ", "HTTP 409")))

    def test_what_the_blobs_gave_is_kept_if_it_is_not_nothing(self):
        status = self.backup(request.public("firstGuestThenHost"), {"path": "disks/1", "comp": "snapshot",
                                                                    "canned": "forbidden"}, blobs=self.blobs())
        self.check_end(status, outcome.Cause("", (), 76, 761, [True, False, True]))
        self.assertEqual([], self.calls_now("dosnapshot"))


class FirstHostThenGuestTest(ModeTest):
    def test_whatever_the_host_answers_that_is_no_answer(self):
        for number, rule in ((404, {"status": 404}), (500, {"canned": "host_failed"}),
                             (500, {"canned": "host_has_no_service"}), (557, {"status": 200, "body": ""}),
                             (555, {"close": True}), (555, {"reset": True}), (555, {"status": 200, "body": "{}" * 40,
                                                                                   "cut": 90})):
            with self.subTest(rule):
                status = self.by_guest(request.public("firstHostThenGuest"), {"path": "presnapshot", **rule})
                self.assertEqual(str(number), status.facts["hostStatusCodePreSnapshot"])
                self.assertIn(f"hostStatusCodePreSnapshot={number}, ", status.message["messageStr"])
                self.assertEqual(1, len(self.calls_now("presnapshot")))

    def test_the_host_that_took_nothing_is_not_followed_by_the_guest(self):
        status = self.backup(request.public("firstHostThenGuest"), {"path": "dosnapshot", "canned": "host_failed"},
                             blobs=self.blobs())
        self.check_end(status, outcome.Cause("", (), 76))
        self.assertEqual([], self.snapshot_calls())


class ChoiceTest(ModeTest):
    def configure_method(self, name):
        (rig.ETC_AZURE / "vmbackup.conf").write_text(f"[SnapshotThread]\nSnapshotMethod = {name}\n", encoding="ascii")

    def test_the_configuration_outranks_the_request(self):
        self.configure_method("onlyGuest")
        self.by_guest(request.public("onlyHost"))
        self.configure_method("onlyHost")
        self.by_host(by_guest())
        self.configure_method("nonsense")
        self.by_host(request.public("onlyHost"))
        self.assertIn("SnapshotMethod", self.guest.log())

    def test_custom_settings_that_are_missing_or_broken_mean_the_usual(self):
        for custom in (None, "{", json.dumps({"isManagedVm": True}), json.dumps({"takeSnapshotFrom": "x"})):
            with self.subTest(custom):
                self.by_guest(request.public(customSettings=custom), NO_SUCH_HOST)
        self.by_host(request.public(customSettings=None))

    def test_disks_that_only_the_host_can_take(self):
        for what in ({"disks": {"isAnyWADiskIncluded": True}}, {"disks": {"isVmgsBlobIncluded": True}},
                     {"disks": {"isAnyDirectDriveDiskIncluded": True}}, {"custom": {"waDiskLunList": [7, 1]}}):
            with self.subTest(what):
                self.by_host(settings("onlyGuest", **what))

    def test_write_accelerated_disks_that_are_not_in_the_backup_change_nothing(self):
        self.by_guest(settings("onlyGuest", custom={"waDiskLunList": [7]}))

    def test_excluded_disks(self):
        excluded = {"isAnyDiskExcluded": True}
        body = self.by_host(settings("onlyHost", excluded, luns=(0, 1)))
        self.assertEqual([0, 1], body["diskIds"])
        self.by_guest(settings("onlyHost", {**excluded, "dataDiskLunList": None}, luns=()))
        body = self.by_host(settings("onlyGuest", {**excluded, "dataDiskLunList": None,
                                                   "isAnyDirectDriveDiskIncluded": True}, luns=()))
        # Published number 17, which no run ever ended in: the host is asked as ever, and the log says so.
        self.assertEqual([], body["diskIds"])
        self.assertIn("disks are excluded but the list of disks is empty", self.guest.log())

    def test_the_choice_and_its_reason_are_logged(self):
        self.by_host(settings("onlyGuest", {"isAnyWADiskIncluded": True}))
        self.assertRegex(self.guest.log(), r"onlyHost.*some disk is write accelerated")


if __name__ == "__main__":
    case.run_tests()
