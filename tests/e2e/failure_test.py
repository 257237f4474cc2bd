#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Processes that die in the middle of a backup, and uploads that fail beside it: everything is let go, and the end says
so. How every other run ends: outcomes_*_test.py."""
import os
import signal

import case
import pulse
import request
import rig

THAW_LIMIT_MS = 1000


class UploadTest(case.EndToEnd):
    def test_a_status_blob_that_cannot_be_written_is_told_of_in_the_end(self):
        self.start_front()
        self.configure()
        self.break_things({"path": "status/vm.status", "method": "PUT", "canned": "forbidden"})
        self.ask_for(1)
        status = self.guest.backup(1)
        self.assertEqual((1, "success"), (status.code, status.inner["status"]), status)
        self.assertIn("statusBlobUploadError=true", status.message["messageStr"])


class KilledTest(case.EndToEnd):
    def start_backup_and_wait_until_held(self):
        return self.begin_and_wait_until_held(3000)

    def kill(self, kind):
        # A child between fork and exec bears its parent's name.
        case.trial.wait_until(lambda: len(rig.ours(kind)) == 1, f"one {kind} alone")
        pid, = rig.ours(kind)
        moment = pulse.now_ns()
        os.kill(pid, signal.SIGKILL)
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
        self.start_front("--host-delay-ms", 2000)
        self.configure()
        for number in (1, 2):
            self.ask_for(number)
            self.assertEqual(0, self.guest.run("enable", number).code)
        # What a worker starts has its words until it is a program of its own.
        case.trial.wait_until(lambda: len(rig.ours("worker")) == 2, "two workers alone")
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
