#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Services that take a request and never answer. Their replies are awaited for as long as the extension before us did,
40 and 10 seconds, but nothing is held beyond the limit, which is one second here. And a backup that does not end."""
import fcntl

import case
import outcome
import request
import rig
from outcome import Cause, by_guest


class SilentTest(outcome.OutcomeTest):
    def backup_under_pulse(self, public, rule):
        self.start_front()
        self.configure(limit_s=1)
        with self.start_pulse() as beat:
            status = self.backup(public, rule, blobs=self.blobs())
            self.assertGreater(beat.longest_ms(), 800)
            self.assertLess(beat.longest_ms(), 2000)
        return status

    def test_one_blob(self):
        status = self.backup_under_pulse(by_guest(), {"path": "disks/1", "comp": "snapshot", "hang": True})
        self.check_end(status, Cause("", (), 76, 761, [True, False, True], ("no reply in time", "/disks/1'")))
        self.assertIsNone(status.disks[1]["errorMessage"])

    def test_the_host(self):
        status = self.backup_under_pulse(request.public(), {"path": "dosnapshot", "hang": True})
        self.check_end(status, Cause("", (), 76, says=("does not answer", "no reply in time")))

    def test_the_host_before_the_hold(self):
        self.start_front()
        self.configure()
        self.check_success(self.backup(request.public(), {"path": "presnapshot", "hang": True}))


class OtherBackupTest(outcome.OutcomeTest):
    def test_another_backup_does_not_end(self):
        """Longer than any of ours takes: its lock is held by this test."""
        self.start_front()
        self.configure()
        rig.STATE.mkdir(mode=0o700)
        with open(rig.STATE / "worker.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.started_at = self.front_lines()
            self.ask_for(1)
            self.assertEqual(0, self.guest.run("enable", 1).code)
            status = self.guest.wait_for_end(1, limit_s=300)
            self.check_nothing_is_left()
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertIn("another backup of this machine is still running", status.message["messageStr"])
        self.assertTrue(status.inner["taskId"], "the vault must know which one this was")
        self.assertNotIn('"protectedSettings"', (self.guest.config_folder / "1.settings").read_text(encoding="utf-8"))
        self.assertEqual([], self.calls_now("recsvc"))


if __name__ == "__main__":
    case.run_tests()
