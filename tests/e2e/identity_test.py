#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which machine and which request this is: a disk that was restored into another machine brings the state of the first
one along, and the extension before us left state of its own."""
import json
import pathlib
import re

import case
import request
import rig

OTHER_MACHINE = "{0d15ea5e-9999-8888-7777-666655554444}"
TASK_FILE = "task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C"
MACHINE_FILE = "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C"
UNIQUE_FILE = rig.ETC_AZURE / "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B"
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/status/host_success.status"


class IdentityTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def move_into(self, machine):
        """The disk wakes up in another machine: the VM agent writes that one's identity."""
        path = self.guest.lib / "HostingEnvironmentConfig.xml"
        text = re.sub('guid="[^"]*"', f'guid="{machine}"', path.read_text(encoding="utf-8"), count=1)
        path.write_text(text, encoding="utf-8")

    def wait_until_idle(self):
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")

    def snapshots(self):
        return len(self.calls("dosnapshot"))

    def backup(self, number, settings):
        self.ask_for(number, settings)
        status = self.guest.backup(number)
        self.wait_until_idle()
        return status

    def enable(self, number, settings):
        """`enable` for what may already be done; the document that then stands under `number`."""
        self.ask_for(number, settings)
        self.assertEqual(0, self.guest.run("enable", number).code)
        self.wait_until_idle()
        return self.guest.status(number)

    def test_a_restored_machine_begins_anew_whatever_its_number_and_task(self):
        settings = request.public()
        first = self.backup(5, settings)
        self.assertEqual((1, 1), (first.code, self.snapshots()))
        for count, number in enumerate((5, 5, 2, 9), 1):
            with self.subTest(number=number, machine=count):
                self.move_into(OTHER_MACHINE.replace("9999", f"999{count}"))
                again = self.backup(number, settings)
                self.assertEqual((1, "success", settings["taskId"]),
                                 (again.code, again.inner["status"], again.inner["taskId"]), again)
                self.assertEqual(1 + count, self.snapshots())
                self.assertNotEqual(first.text, again.text)

    def test_the_same_machine_does_not(self):
        settings = request.public()
        first = self.backup(5, settings)
        again = self.enable(5, settings)
        self.assertEqual((first.text, 1), (again.text, self.snapshots()))
        renumbered = self.enable(2, settings)
        self.assertEqual((first.text, 1), (renumbered.text, self.snapshots()))

    def test_a_machine_whose_identity_is_not_known_now_is_taken_for_the_same(self):
        settings = request.public()
        first = self.backup(5, settings)
        (self.guest.lib / "HostingEnvironmentConfig.xml").unlink()
        self.assertEqual((first.text, 1), (self.enable(5, settings).text, self.snapshots()))

    def test_the_vaults_name_of_the_machine_stays(self):
        first = self.backup(1, request.public())
        self.assertEqual(rig.MACHINE.strip("{}"), first.inner["uniqueMachineId"])
        self.assertEqual(rig.MACHINE.strip("{}"), UNIQUE_FILE.read_text(encoding="ascii"))
        self.move_into(OTHER_MACHINE)
        second = self.backup(2, request.public())
        self.assertEqual(rig.MACHINE.strip("{}"), second.inner["uniqueMachineId"])

    def test_the_name_that_the_other_extension_gave_is_kept(self):
        UNIQUE_FILE.parent.mkdir(exist_ok=True)
        UNIQUE_FILE.write_text("given-long-ago", encoding="ascii")
        status = self.backup(1, request.public())
        self.assertEqual("given-long-ago", status.inner["uniqueMachineId"])

    # A switch-over: the VM agent copies mrseq and the status files, or nothing was updated and all is there.

    def leave_state(self, sequence, task=None, machine=None):
        """As the extension before us: a success under `sequence`, and what it remembers."""
        document = GOLDEN.read_text(encoding="utf-8")
        old_task = json.loads(document)[0]["status"]["taskId"]
        document = document.replace(old_task, task or old_task)
        (self.guest.status_folder / f"{sequence}.status").write_text(document, encoding="utf-8")
        (self.guest.base / "mrseq").write_text(str(sequence), encoding="ascii")
        if task is not None:
            (self.guest.base / TASK_FILE).write_text(task, encoding="ascii")
        if machine is not None:
            (self.guest.base / MACHINE_FILE).write_text(machine, encoding="ascii")
        for name in ("mrseq", TASK_FILE, MACHINE_FILE):
            if (self.guest.base / name).exists():
                (self.guest.base / name).chmod(0o644)
        return document

    def test_what_the_other_extension_did_is_not_done_again(self):
        document = self.leave_state(7)
        self.assertEqual((document, 0), (self.enable(7, request.public()).text, self.snapshots()))

    def test_a_task_of_the_other_extension_is_known_under_a_new_number(self):
        settings = request.public()
        document = self.leave_state(7, settings["taskId"], rig.MACHINE)
        self.assertEqual((document, 0), (self.enable(8, settings).text, self.snapshots()))

    def test_a_new_task_after_the_other_extension_is_backed_up(self):
        self.leave_state(7, "some-older-task", rig.MACHINE)
        self.assertEqual((1, 1), (self.backup(8, request.public()).code, self.snapshots()))
        self.assertTrue((self.guest.status_folder / "7_status").exists())

    def test_state_of_the_other_extension_on_another_machine_counts_for_nothing(self):
        settings = request.public()
        self.leave_state(7, settings["taskId"], OTHER_MACHINE)
        self.assertEqual((1, 1), (self.backup(7, settings).code, self.snapshots()))

    def test_the_other_extensions_number_for_a_restored_machine(self):
        """It writes -1 there when it sees another machine."""
        self.leave_state(7)
        (self.guest.base / "mrseq").write_text("-1", encoding="ascii")
        self.assertEqual((1, 1), (self.backup(7, request.public()).code, self.snapshots()))


if __name__ == "__main__":
    case.run_tests()
