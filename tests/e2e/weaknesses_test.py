#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What agents of this kind have been seen to do and this one must not: docs/compatibility.md, "Weaknesses of the peer
that are not here", has the whole list and which test stands for which."""
import json
import os
import pathlib
import signal
import stat
import subprocess

import case
import mounts
import outcome
import pulse
import request
import rig
from outcome import settings

THAW_LIMIT_MS = 1000
TASK_FILES = "*FD76C85E*"
OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO


class SignalTest(outcome.OutcomeTest):
    """A signal that asks to end, in the middle of a hold: everything is let go at once."""

    def hold(self):
        return self.begin_and_wait_until_held(2500)

    def check_signal(self, kind, number):
        beat = self.hold()
        pids = rig.ours(kind)
        self.assertEqual(1, len(pids), rig.processes())
        moment = pulse.now_ns()
        os.kill(pids[0], number)
        took = beat.wait_until_all_write(moment, 5)
        print(f"{kind} got {signal.Signals(number).name}: every disk wrote again after {took:.1f} ms")
        self.assertLess(took, THAW_LIMIT_MS)

    def test_the_guard_is_told_to_end(self):
        self.check_signal("guard", signal.SIGTERM)
        status = self.guest.wait_for_end(1)
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])

    def test_the_worker_is_told_to_end(self):
        self.check_signal("worker", signal.SIGTERM)
        case.trial.wait_until(lambda: not rig.ours(), "all to end")
        self.assertEqual(0, self.guest.run("enable", 1).code)
        status = self.guest.wait_for_end(1)
        self.assertEqual((2, "error", 0), (status.code, status.inner["status"], status.consistency), status)
        self.assertIn("stopped", status.message["messageStr"])

    def test_the_worker_loses_its_terminal(self):
        self.check_signal("worker", signal.SIGHUP)


class FilesTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def test_what_is_written_is_for_root_alone(self):
        self.assertEqual(0, self.guest.install().code)
        not_ours = {path: path.stat().st_mtime_ns for path in self.written()}
        self.check_success(self.backup(request.public()))
        new = [path for path in self.written() if not_ours.get(path) != path.stat().st_mtime_ns]
        names = {path.name for path in new}
        self.assertLessEqual({"1.status", "mrseq", "passport.json", "extension.log"}, names)
        self.assertTrue(list(self.guest.base.glob(TASK_FILES)), names)
        for path in new:
            self.assertEqual(0, path.stat().st_mode & OTHERS_READ, path)

    def written(self):
        """Of the settings file the mode is the VM agent's."""
        return [path for path in rig.files_below(self.guest.base, self.guest.logs, "/etc/azure", "/etc/stillpoint",
                                                 rig.STATE, "/run")
                if path.suffix != ".settings" and path.name not in ("stillpoint.conf", "vmbackup.conf", "faults.json")]

    def test_a_link_in_the_way_is_not_followed(self):
        """Who can write into the folders of the agent must not be able to have it write elsewhere."""
        victim = self.folder / "victim"
        victim.write_text("untouched", encoding="ascii")
        for name in ("1.status", "tempStatusFile.status"):
            (self.guest.status_folder / name).symlink_to(victim)
        (self.guest.base / "mrseq").symlink_to(victim)
        self.guest.logs.joinpath("extension.log").symlink_to(victim)
        self.guest.write_settings(1, request.public(), self.protected())
        ended = self.guest.run("enable", 1)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        self.assertEqual("untouched", victim.read_text(encoding="ascii"), ended)

    def test_a_read_only_var_lib_costs_no_backup(self):
        with mounts.read_only("/var/lib"):
            self.check_success(self.backup(request.public()))
        self.assertIn("/var/lib/stillpoint", self.guest.log())
        self.assertFalse(rig.STATE.exists())

    def test_settings_keep_every_character(self):
        public = request.public(note="Größe 木 \U0001f98a")
        self.check_success(self.backup(public))
        left = json.loads((self.guest.config_folder / "1.settings").read_text(encoding="utf-8"))
        handler = left["runtimeSettings"][0]["handlerSettings"]
        self.assertEqual(public, handler["publicSettings"])
        self.assertNotIn("protectedSettings", handler)


class PollingTest(outcome.OutcomeTest):
    """EnableVMSnapshotExtensionPolling: the flag goes on to the host, and nothing is left on the machine for it."""

    def test_no_service_and_no_process_is_killed(self):
        self.start_front()
        self.configure()
        bystander = subprocess.Popen(["sleep", "60"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        (self.guest.base / "directsnapshot.pid").write_text(str(bystander.pid), encoding="ascii")
        units = set(pathlib.Path("/etc/systemd/system").glob("*"))
        public = settings("onlyHost", dynamicConfigsFromCRP=[{"Key": "EnableVMSnapshotExtensionPolling",
                                                              "Value": True}])
        self.check_success(self.backup(public))
        body = json.loads(self.calls_now("dosnapshot")[0]["body"])
        self.assertEqual({"Key": "EnableVMSnapshotExtensionPolling", "Value": True}, body["settings"][3])
        for command in ("disable", "uninstall"):
            self.assertEqual(0, self.guest.run(command, 1).code)
        self.assertIsNone(bystander.poll(), "somebody else's process was ended")
        self.assertEqual(units, set(pathlib.Path("/etc/systemd/system").glob("*")))


class SkippedRootTest(outcome.OutcomeTest):
    def test_skipping_root_changes_nothing(self):
        self.start_front()
        self.configure()
        (rig.ETC_AZURE / "vmbackup.conf").write_text("[SnapshotThread]\nMountsToSkip = /\n", encoding="ascii")
        with self.start_pulse() as beat:
            self.check_success(self.backup(request.public()))
            self.assertLess(beat.longest_ms(), 5000)


if __name__ == "__main__":
    case.run_tests()
