#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of a version in the VM agent's own order: install, backups, an update to the next version, removal."""
import shutil
import subprocess

import case
import request
import rig

NEXT = "9.9.0.2"


class LifecycleTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def update_to(self, version):
        """What the VM agent does, in its order. The new guest."""
        old = self.guest
        new = rig.Rig(self.folder, case.Context.programs, version)
        shutil.copy(old.config_folder / "1.settings", new.config_folder)
        self.assertEqual(0, old.run("disable", 1).code)
        for name in ("mrseq",):
            if (old.base / name).exists():
                shutil.copy(old.base / name, new.base)
        shutil.copytree(old.status_folder, new.status_folder, dirs_exist_ok=True)
        updated = new.run("update", 1, VERSION=version, AZURE_GUEST_AGENT_UPDATING_FROM_VERSION=rig.VERSION,
                          AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE="0")
        self.assertEqual((0, ""), (updated.code, updated.output))
        self.assertEqual(0, old.run("uninstall", 1).code)
        shutil.rmtree(old.base)
        self.assertEqual(0, new.run("install", 1, AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE="0").code)
        self.guest = new
        return new

    def test_an_update_does_not_back_up_again(self):
        self.assertEqual(0, self.guest.install().code)
        self.ask_for(1)
        before = self.guest.backup(1)
        new = self.update_to(NEXT)
        self.assertEqual(0, new.run("enable", 1).code)
        self.assertEqual(before.text, new.status(1).text)
        self.assertEqual(1, len(self.calls("dosnapshot")))
        self.ask_for(2)
        status = new.backup(2)
        self.assertEqual((1, 1), (status.code, status.consistency))
        self.assertEqual(NEXT, status.facts["extensionVersion"])

    def test_a_worker_that_is_started_once_more_does_nothing(self):
        """By a service manager that was late, when the backup was done without it."""
        self.ask_for(1)
        before = self.guest.backup(1)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        late = subprocess.run([self.guest.base / "bin/stillpoint", "worker", "--sequence", "1"], cwd=self.guest.base,
                              check=False, timeout=60, capture_output=True)
        self.assertEqual((0, b"", b""), (late.returncode, late.stdout, late.stderr))
        self.assertEqual(before.text, self.guest.status(1).text)
        self.assertEqual(1, len(self.calls("dosnapshot")))

    def test_removal_leaves_nothing_but_what_an_upgrade_needs(self):
        self.assertEqual(0, self.guest.install().code)
        self.ask_for(1)
        self.guest.backup(1)
        for command in ("disable", "uninstall"):
            ended = self.guest.run(command, 1)
            self.assertEqual((0, ""), (ended.code, ended.output))
        # The worker has given its lock back; the end of its process takes a moment.
        case.trial.wait_until(lambda: not rig.ours(), "the worker to be gone")
        self.assertEqual([], [str(path) for path in rig.files_below("/run", "/dev/shm")])
        left = {path.name for path in rig.files_below(rig.STATE)}
        self.assertLessEqual(left, {"passport.json", "last-point.json", "worker.lock", "task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C",
                                    "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C"})

    def test_commands_without_settings_succeed(self):
        for command in ("install", "update", "disable", "uninstall"):
            ended = self.guest.run(command)
            self.assertEqual((0, ""), (ended.code, ended.output), command)

    def test_every_command_is_quick(self):
        self.ask_for(1)
        self.assertLess(self.guest.run("enable", 1).seconds, 5)
        self.guest.wait_for_end(1)

    def test_a_task_comes_again_after_its_folder_has_vanished(self):
        """The goal state was without the extension for a moment: what is known of the task went with the folder."""
        settings = request.public()
        self.ask_for(1, settings)
        self.guest.backup(1)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        shutil.rmtree(self.guest.base)
        self.guest = rig.Rig(self.folder, case.Context.programs)
        self.assertEqual(0, self.guest.install().code)
        self.ask_for(1, settings)
        status = self.guest.backup(1)
        self.assertEqual((1, 1), (status.code, status.consistency), status)
        self.assertEqual(2, len(self.calls("dosnapshot")))

    def test_a_folder_that_vanishes_under_a_backup_ends_it_and_the_vault_is_told(self):
        """The program of the guard is gone before it was needed."""
        self.break_things({"path": "presnapshot", "delay_ms": 2000})
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(lambda: len(self.calls("status/vm.status")) >= 2, "the first of the worker's uploads")
        shutil.rmtree(self.guest.base)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        self.assertFalse(self.guest.base.exists())
        self.assertEqual([], self.calls("dosnapshot"))
        told = rig.json.loads(self.front.call("GET", "/devstoreaccount1/status/vm.status")[2])
        self.assertEqual("error", told[0]["status"]["status"], told)

    def test_a_folder_that_vanishes_does_not_stop_the_next_version(self):
        self.ask_for(1)
        self.guest.backup(1)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        shutil.rmtree(self.guest.base)
        self.guest = rig.Rig(self.folder, case.Context.programs, NEXT)
        self.assertEqual(0, self.guest.install().code)
        self.ask_for(1, request.public())
        self.assertEqual(1, self.guest.backup(1).code)


if __name__ == "__main__":
    case.run_tests()
