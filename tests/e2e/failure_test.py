#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups that fail, or are worth less: the published number, the cause in words, and always everything let go."""
import contextlib
import os
import signal

import case
import pulse
import request
import rig
import scratch

CRASH = 3
THAW_LIMIT_MS = 1000


class RefusedTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def guest_backup(self, *rules):
        self.break_things(*rules)
        self.ask_for(1, request.public("onlyGuest", luns=()), self.blobs())
        return self.guest.backup(1)

    def host_backup(self, *rules):
        self.break_things(*rules)
        self.ask_for(1)
        return self.guest.backup(1)

    def check(self, status, code, health_code, health_state, taken):
        self.assertEqual((code, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual("success", status.outer["status"])  # of a machine of today's kind, always
        self.assertEqual({"vmHealthState": health_state, "vmHealthStatusCode": health_code}, status.health)
        if taken is not None:
            self.assertEqual(taken, [disk["isSuccessful"] for disk in status.disks])

    def test_a_status_blob_that_cannot_be_written_is_told_of_in_the_end(self):
        status = self.host_backup({"path": "status/vm.status", "method": "PUT", "canned": "forbidden"})
        self.assertEqual((1, "success"), (status.code, status.inner["status"]), status)
        self.assertIn("statusBlobUploadError=true", status.message["messageStr"])

    def test_one_of_three_blobs_is_forbidden(self):
        status = self.guest_backup({"path": "disks/1", "comp": "snapshot", "canned": "forbidden"})
        self.check(status, 76, 761, 256, [True, False, True])
        self.assertIn("AuthenticationFailed", status.disks[1]["errorMessage"])
        self.assertIsNone(status.disks[1]["snapshotUri"])

    def test_every_blob_is_forbidden(self):
        status = self.guest_backup({"path": "", "comp": "snapshot", "canned": "forbidden"})
        self.check(status, 76, 76, 256, [False] * 3)

    def test_snapshots_too_often(self):
        status = self.guest_backup({"path": "disks/1", "comp": "snapshot", "canned": "rate_exceeded"})
        self.check(status, 173, 173, 0, [True, False, True])

    def test_too_many_snapshots(self):
        status = self.guest_backup({"path": "disks/2", "comp": "snapshot", "canned": "count_exceeded"})
        self.check(status, 85, 85, 256, [True, True, False])

    def test_a_snapshot_call_is_never_repeated(self):
        status = self.guest_backup({"path": "disks/1", "comp": "snapshot", "after": True, "close": True})
        self.check(status, 76, 761, 256, [True, False, True])
        self.assertEqual(3, len([line for line in self.calls("snapshot") if line["comp"] == "snapshot"]))

    def test_the_host_fails(self):
        status = self.host_backup({"path": "dosnapshot", "status": 500, "body": "<html>Internal error</html>"})
        self.check(status, 556, 556, 256, None)

    def test_the_host_reports_an_error_of_its_own(self):
        status = self.host_backup({"path": "dosnapshot", "status": 500, "body":
                                   '{ "error": {"code": "Busy", "message": "later"}}'})
        self.check(status, 76, 76, 256, None)

    def test_the_host_takes_only_some_disks(self):
        body = {"snapshotInfo": [
            {"isSuccessful": text, "snapshotUri": f"http://x/disks/{lun}?snapshot=t" if text == "true" else "",
             "errorMessage": "" if text == "true" else "disk is busy", "statusCode": 200 if text == "true" else 409,
             "ddSnapshotIdentifier": None} for lun, text in enumerate(("true", "false", "true"))]}
        status = self.host_backup({"path": "dosnapshot", "status": 200, "body": rig.json.dumps(body)})
        self.check(status, 76, 76, 256, ["true", "false", "true"])

    def test_the_host_answers_nonsense(self):
        status = self.host_backup({"path": "dosnapshot", "status": 200, "body": "[[[["})
        self.check(status, 76, 76, 256, None)

    def test_nobody_answers_at_the_host(self):
        self.guest.configure(self.disks, {disk["device"]: lun for lun, disk in enumerate(self.disks)}, host_port=9)
        self.ask_for(1)
        self.check(self.guest.backup(1), 76, 76, 256, None)

    def test_it_is_too_late(self):
        self.ask_for(1, request.public(commandStartTimeUTCTicks=str(int(request.ticks()) - 8500 * 10_000_000)))
        status = self.guest.backup(1)
        self.check(status, 402, 402, 256, None)
        self.assertEqual([], self.calls("dosnapshot"))


    def test_without_the_guard_nothing_is_frozen(self):
        (self.guest.base / "bin/stillpoint-guard").unlink()
        self.ask_for(1)
        status = self.guest.backup(1)
        self.check(status, 124, 124, 128, None)
        self.assertEqual([], self.calls("dosnapshot"))


class SlowTest(case.EndToEnd):
    """The limit of the hold is 1 s here."""

    def backup_with(self, public, *rules):
        self.start_front()
        self.configure(limit_s=1)
        self.break_things(*rules)
        self.ask_for(1, public, self.blobs())
        with self.start_pulse() as beat:
            status = self.guest.backup(1)
            self.assertEqual([], beat.held())
            longest = beat.longest_ms()
        self.assertGreater(longest, 800, "nothing was held")
        self.assertLess(longest, 1000 + THAW_LIMIT_MS)
        return status

    def test_the_host_never_answers(self):
        # It takes the call and hangs up after 2.5 s: no reply ever comes.
        status = self.backup_with(request.public(), {"path": "dosnapshot", "delay_ms": 2500, "close": True})
        self.assertEqual((76, "error", 0), (status.code, status.inner["status"], status.consistency), status)

    def test_the_host_answers_after_the_limit(self):
        status = self.backup_with(request.public(), {"path": "dosnapshot", "delay_ms": 2500})
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])

    def test_a_blob_answers_after_the_limit(self):
        status = self.backup_with(request.public("onlyGuest", luns=()),
                                  {"path": "disks/1", "comp": "snapshot", "delay_ms": 2500})
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)


class FrozenByOthersTest(case.EndToEnd):
    @contextlib.contextmanager
    def frozen(self, mount):
        with scratch.held([mount]):
            yield
            # Not ours to thaw: held() finds out by itself whether it still was.
            self.assertTrue(scratch.thaw(mount), "the other one's freeze was taken away")

    def backup(self, fallback):
        self.start_front()
        self.configure(luns=(0,))
        self.ask_for(1, request.public(luns=(0,), fallback=fallback))
        with self.frozen(self.mounts[0]):
            return self.guest.backup(1)

    def test_without_fallback_there_is_no_backup(self):
        status = self.backup(fallback=False)
        self.assertEqual((121, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual({"vmHealthState": 128, "vmHealthStatusCode": 121}, status.health)
        self.assertIn(self.mounts[0], status.message["messageStr"])
        self.assertEqual([], self.calls("dosnapshot"))

    def test_with_fallback_it_is_crash_consistent(self):
        status = self.backup(fallback=True)
        self.assertEqual((1, "success", CRASH), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual({"vmHealthState": 128, "vmHealthStatusCode": 121}, status.health)
        self.assertIn(self.mounts[0], status.message["messageStr"])
        self.assertEqual("crashConsistent", status.facts["consistencyType"])


class KilledTest(case.EndToEnd):
    def start_backup_and_wait_until_held(self):
        self.start_front("--host-delay-ms", 3000)
        self.configure()
        self.ask_for(1)
        beat = self.start_pulse()
        self.assertEqual(0, self.guest.run("enable", 1).code)
        beat.wait_until_all_held(20)
        return beat

    def kill(self, kind):
        pids = rig.ours(kind)
        self.assertEqual(1, len(pids), (kind, rig.processes()))
        moment = pulse.now_ns()
        os.kill(pids[0], signal.SIGKILL)
        return moment

    def test_a_killed_worker_leaves_nothing_frozen_and_its_status_is_repaired(self):
        beat = self.start_backup_and_wait_until_held()
        moment = self.kill("worker")
        took = beat.wait_until_all_write(moment, 5)
        print(f"worker killed: every disk wrote again after {took:.1f} ms")
        self.assertLess(took, THAW_LIMIT_MS)
        self.assertEqual("4", self.guest.status(1).inner["code"])
        case.trial.wait_until(lambda: not rig.ours(), "the guard to end")

        self.guest.run("enable", 1)
        status = self.guest.wait_for_end(1)
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        # And the next request is served as ever.
        self.ask_for(2)
        self.assertEqual(1, self.guest.backup(2).code)

    def test_the_task_of_a_killed_worker_under_a_new_number_is_told_to_have_failed(self):
        self.start_front("--host-delay-ms", 3000)
        self.configure()
        settings = request.public()
        self.ask_for(1, settings)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(lambda: rig.ours("worker") and rig.ours("guard"), "the hold")
        self.kill("worker")
        case.trial.wait_until(lambda: not rig.ours(), "the guard to end")
        self.ask_for(2, settings)
        self.assertEqual(0, self.guest.run("enable", 2).code)
        status = self.guest.status(2)
        self.assertEqual((2, "error"), (status.code, status.inner["status"]), status)

    def test_a_killed_guard_lowers_what_is_claimed(self):
        beat = self.start_backup_and_wait_until_held()
        moment = self.kill("guard")
        took = beat.wait_until_all_write(moment, 5)
        print(f"guard killed: every disk wrote again after {took:.1f} ms")
        self.assertLess(took, THAW_LIMIT_MS)
        status = self.guest.wait_for_end(1)
        self.assertNotEqual(1, status.consistency, status)
        self.assertEqual((2, "error"), (status.code, status.inner["status"]), status)

    def test_whatever_is_killed_at_once_the_next_command_finds_what_is_frozen(self):
        beat = self.start_backup_and_wait_until_held()
        for pid in rig.ours():
            os.kill(pid, signal.SIGSTOP)  # so that none acts on another's death
        for pid in rig.ours():
            os.kill(pid, signal.SIGKILL)
        case.trial.wait_until(lambda: not rig.ours(), "all to be dead")
        self.assertEqual(len(self.mounts), len(beat.held()), "somebody has thawed already")
        moment = pulse.now_ns()
        self.assertEqual(0, self.guest.run("enable", 1).code)
        took = beat.wait_until_all_write(moment, 10)
        print(f"all killed: every disk wrote again {took:.1f} ms after the next enable had begun")
        self.assertEqual((2, "error"), (self.guest.wait_for_end(1).code, self.guest.status(1).inner["status"]))

    def test_disable_waits_for_the_backup_and_leaves_nothing(self):
        self.start_front("--host-delay-ms", 500)
        self.configure()
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        for command in ("disable", "uninstall"):
            self.assertEqual(0, self.guest.run(command, 1).code)
        self.assertEqual(1, self.guest.status(1).code)

    def test_disable_waits_for_a_backup_that_waits_for_another_one(self):
        self.start_front("--host-delay-ms", 1000)
        self.configure()
        for number in (1, 2):
            self.ask_for(number)
            self.assertEqual(0, self.guest.run("enable", number).code)
        self.assertEqual(2, len(rig.ours("worker")))
        self.assertEqual(0, self.guest.run("disable", 2).code)
        self.assertEqual(1, self.guest.status(2).code)
        self.assertEqual(2, len(self.calls("dosnapshot")))

    def test_disable_does_not_wait_for_ever_for_a_backup_that_was_cut_off(self):
        self.start_front("--host-delay-ms", 3000)
        self.configure()
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(lambda: rig.ours("worker"), "the worker")
        self.kill("worker")
        self.assertLess(self.guest.run("disable", 1).seconds, 20)


if __name__ == "__main__":
    case.run_tests()
