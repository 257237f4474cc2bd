#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Services that take a request and never answer. Their replies are awaited for as long as the extension before us did,
40 and 10 seconds, but nothing is held beyond the limit, which is one second here."""
import case
import outcome
import request
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


if __name__ == "__main__":
    case.run_tests()
