#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is broken beside a backup costs no backup: folders that are full, gone or read-only, files that are nonsense."""
import contextlib
import shutil

import case
import mounts
import outcome
import request
import rig


class SurroundingsTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_backup(self):
        status = self.backup(request.public())
        self.check_success(status)
        return status

    def test_a_full_log_folder(self):
        mounts.run("mount", "-t", "tmpfs", "-o", "size=16k", "none", self.guest.logs)
        try:
            with contextlib.suppress(OSError), open(self.guest.logs / "filler", "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
            self.check_backup()
        finally:
            mounts.run("umount", self.guest.logs)

    def test_folders_that_are_gone(self):
        shutil.rmtree(self.guest.logs)
        shutil.rmtree(self.guest.status_folder)
        self.check_backup()

    def test_a_read_only_etc(self):
        with mounts.read_only("/etc"):
            self.check_backup()

    def test_settings_that_cannot_be_rewritten(self):
        """They would lose their protected half."""
        self.guest.write_settings(1, request.public(), self.protected())
        with mounts.bound_read_only(self.guest.config_folder):
            self.check_success(self.guest.backup(1))
            self.check_nothing_is_left()
        self.assertIn("protected settings stay in the file", self.guest.log())

    def test_configurations_that_are_nonsense(self):
        (rig.ETC_AZURE / "vmbackup.conf").write_bytes(b"\xff\xfe\x00[[[\n=\nSafeFreezeWaitInSeconds")
        with open(rig.ETC_OWN / "stillpoint.conf", "ab") as file:
            file.write(b"\n[hold]\nlimit = soon\n\x00\n[[\n")
        self.check_backup()
        self.assertIn("limit", self.guest.log())

    def test_a_machine_that_nobody_named(self):
        (self.guest.lib / "HostingEnvironmentConfig.xml").unlink()
        self.assertEqual("", self.check_backup().inner["uniqueMachineId"])
        (self.guest.lib / "HostingEnvironmentConfig.xml").write_bytes(b"<Role guid=")
        self.assertEqual("", self.check_backup().inner["uniqueMachineId"])


if __name__ == "__main__":
    case.run_tests()
