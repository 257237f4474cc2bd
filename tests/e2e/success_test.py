#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups that succeed: what is written, what is asked of the host and the store, what the images are worth."""
import pathlib

import case
import pulse
import request
import rig

FILE_SYSTEM, CRASH = 1, 3
LATE_NS = 100_000_000  # whether a copy that began so shortly before is good, the images themselves tell


class SuccessTest(case.EndToEnd):
    def check_document(self, status, task, creator):
        """The members and their types as the vault reads them."""
        outer, inner = status.outer, status.inner
        self.assertEqual((1, "1", "success"), (status.code, outer["code"], outer["status"]), status)
        self.assertEqual(("success", "0", None), (status.substatus["status"], status.substatus["code"],
                                                  status.substatus["formattedMessage"]))
        for document in (outer, inner):
            self.assertEqual((rig.NAME, "Enable", task), (document["name"], document["operation"], document["taskId"]))
            self.assertEqual(rig.MACHINE.strip("{}"), document["uniqueMachineId"])
            self.assertEqual(["partitionCount", "totalUsedSizeInBytes", "isStoragespacePresent",
                              "isSizeComputationFailed"], list(document["storageDetails"]))
        self.assertEqual((None, None, None), (outer["snapshotInfo"], outer["vmHealthInfo"], outer["telemetryData"]))
        self.assertEqual({"vmHealthState": 0, "vmHealthStatusCode": 1}, status.health)
        self.assertEqual(["messageStr", "snapshotConsistency", "jobMessage", "isSizeComputationFailed"],
                         list(status.message))
        self.assertEqual(FILE_SYSTEM, status.consistency, status.message)
        self.assertEqual("fileSystemConsistent", status.facts["consistencyType"])
        self.assertEqual(creator, status.facts["snapshotCreator"])
        self.assertGreaterEqual(inner["storageDetails"]["partitionCount"], len(self.disks))
        self.assertGreater(inner["storageDetails"]["totalUsedSizeInBytes"], 0)

    def check_images_are_clean(self):
        code, results, summary = self.judge_images()
        self.assertEqual(0, code, (results, summary))

    def check_passport(self, task):
        passport = (rig.STATE / "passport.json").read_text(encoding="utf-8")
        self.assertIn(task, passport)
        self.assertEqual(0o600, (rig.STATE / "passport.json").stat().st_mode & 0o777)

    @case.loaded
    def test_the_host_snapshots_disks_that_are_held(self):
        front, beat = self.start_front("--host-delay-ms", 50, images=True), self.start_pulse()
        self.configure()
        self.assertEqual(0, self.guest.install().code)
        settings = request.public()
        self.ask_for(1, settings)
        self.assertFalse(beat.held())
        beat.reset()

        began = pulse.now_ns()
        ended = self.guest.run("enable", 1)
        self.assertEqual((0, ""), (ended.code, ended.output))
        first = self.guest.status(1)
        self.assertIsNotNone(first, "enable must leave a document before it returns")
        status = self.guest.wait_for_end(1)

        self.check_document(status, settings["taskId"], "backupHostService")
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])
        for lun, disk in enumerate(status.disks):
            self.assertEqual(f"{front_base(self)}/disks/{lun}", disk["blobUri"])
            self.assertTrue(disk["snapshotUri"].startswith(disk["blobUri"] + "?snapshot="))
        pre, do = self.calls("presnapshot"), self.calls("dosnapshot")
        self.assertEqual((1, 1), (len(pre), len(do)))
        self.assertEqual(request.presnapshot_body(), pre[0]["body"])
        self.assertEqual(request.dosnapshot_body([0, 1, 2]), do[0]["body"])
        for call in (pre[0], do[0]):
            headers = {name.lower(): value for name, value in call["headers"]}
            self.assertEqual(("true", "application/json"), (headers["backup"], headers["content-type"]))
        beat.wait_until_all_write(do[0]["copy_ended_ns"], 5)
        self.assertTrue(beat.all_stalled_at(do[0]["copy_began_ns"], LATE_NS), "the copy began before all was held")
        self.assertTrue(beat.all_stalled_at(do[0]["copy_ended_ns"]), "the copy went on after the hold")
        self.assertFalse(beat.all_stalled_at(pre[0]["at_ns"]), "presnapshot belongs before the hold")
        self.assertGreater(pre[0]["at_ns"], began)
        self.check_images_are_clean()
        self.check_passport(settings["taskId"])
        self.check_uploads(front, status)
        self.check_log_and_events(settings["taskId"])
        self.check_nobody_else_reads()

    def check_uploads(self, front, status):
        rig_wait = lambda: front.call("GET", "/devstoreaccount1/status/vm.status?sv=a&sig=b")[2].decode()
        case.trial.wait_until(lambda: '"code": "1"' in rig_wait(), "the status blob to be final")
        # The body of the status blob is the report inside the status file, but for its time.
        blob = rig_wait()
        self.assertEqual(status.inner["telemetryData"], rig.json.loads(blob.replace("\\/", "/"))[0]["status"][
            "telemetryData"])
        case.trial.wait_until(lambda: front.call("GET", "/devstoreaccount1/logs/vm.log?sv=a&sig=b")[2],
                              "the log blob")

    def check_log_and_events(self, task):
        case.trial.wait_until(self.guest.events, "events")
        events = self.guest.events()
        self.assertEqual({task}, {event["OperationId"] for event in events})
        for event in events:
            self.assertEqual({"Version", "Timestamp", "TaskName", "EventLevel", "Message", "EventPid", "EventTid",
                              "OperationId"}, set(event))
            self.assertIn(event["EventLevel"], ("Critical", "Error", "Warning", "Verbose", "Informational"))
        for mount in self.mounts:
            self.assertIn(mount, self.guest.log())

    def check_nobody_else_reads(self):
        """Tokens of disks may stand in these."""
        for path in (self.guest.status_folder / "1.status", self.guest.logs / "extension.log"):
            self.assertEqual(0o600, path.stat().st_mode & 0o777, path)

    @case.loaded
    def test_the_guest_snapshots_blobs_of_disks_that_are_held(self):
        self.start_front(images=True)
        beat = self.start_pulse()
        self.configure()
        settings = request.public("onlyGuest", luns=())
        self.ask_for(7, settings, self.blobs(), cipher="des3")
        self.assertFalse(beat.held())
        beat.reset()
        status = self.guest.backup(7)

        self.check_document(status, settings["taskId"], "guestExtension")
        self.assertEqual([True] * 3, [disk["isSuccessful"] for disk in status.disks])
        taken = self.calls("snapshot")
        taken = [line for line in taken if line["comp"] == "snapshot"]
        self.assertEqual({f"PUT /devstoreaccount1/disks/{lun}" for lun in range(3)},
                         {line["request"] for line in taken})
        for line in taken:
            headers = {name.lower(): value for name, value in line["headers"]}
            self.assertEqual(("0", "11112222-3333-4444-5555-666677778888", "IaaS"),
                             (headers["content-length"], headers["x-ms-meta-backupid"],
                              headers["x-ms-meta-deploymenttype"]))
        beat.wait_until_all_write(max(line["copy_ended_ns"] for line in taken), 5)
        self.assertTrue(beat.all_stalled_at(min(line["copy_began_ns"] for line in taken), LATE_NS))
        self.assertTrue(beat.all_stalled_at(max(line["copy_ended_ns"] for line in taken)))
        self.check_images_are_clean()

    def test_first_the_host_then_the_guest(self):
        self.start_front()
        self.configure()
        self.break_things({"path": "presnapshot", "status": 404})
        self.ask_for(1, request.public("firstHostThenGuest"), self.blobs())
        status = self.guest.backup(1)
        self.assertEqual((1, "guestExtension"), (status.code, status.facts["snapshotCreator"]), status)
        self.assertEqual([], self.calls("dosnapshot"))

    def test_first_the_guest_then_the_host(self):
        self.start_front()
        self.configure()
        self.break_things({"path": "", "comp": "snapshot", "canned": "forbidden"})
        self.ask_for(1, request.public("firstGuestThenHost"), self.blobs())
        status = self.guest.backup(1)
        self.assertEqual((1, "backupHostService"), (status.code, status.facts["snapshotCreator"]), status)
        self.assertEqual(1, len(self.calls("dosnapshot")))

    def test_the_same_number_changes_nothing(self):
        self.start_front()
        self.configure()
        self.ask_for(3)
        status = self.guest.backup(3)
        self.wait_until_idle()
        for _ in range(2):
            self.assertEqual(0, self.guest.run("enable", 3).code)
            self.wait_until_idle()
        self.assertEqual(status.text, self.guest.status(3).text)
        self.assertEqual(1, len(self.calls("dosnapshot")))

    def test_the_same_number_while_the_backup_runs_changes_nothing(self):
        self.start_front("--host-delay-ms", 500)
        self.configure()
        self.ask_for(3)
        for _ in range(3):
            self.assertEqual(0, self.guest.run("enable", 3).code)
        self.assertEqual(1, self.guest.wait_for_end(3).code)
        self.wait_until_idle()
        self.assertEqual(1, len(self.calls("dosnapshot")))

    def test_the_same_task_under_a_new_number_is_not_backed_up_again(self):
        self.start_front()
        self.configure()
        settings = request.public()
        self.ask_for(3, settings)
        status = self.guest.backup(3)
        self.wait_until_idle()
        self.ask_for(4, settings)
        self.assertEqual(0, self.guest.run("enable", 4).code)
        again = self.guest.wait_for_end(4)
        self.wait_until_idle()
        self.assertEqual(status.text, again.text)
        self.assertEqual(1, len(self.calls("dosnapshot")))

    def test_a_new_task_is_a_new_backup_and_old_documents_retire(self):
        self.start_front()
        self.configure()
        for number in (1, 2):
            self.ask_for(number)
            self.assertEqual(1, self.guest.backup(number).code)
            self.wait_until_idle()
        self.assertEqual(2, len(self.calls("dosnapshot")))
        self.assertIsNone(self.guest.status(1))
        self.assertTrue(pathlib.Path(self.guest.status_folder, "1_status").exists())

    def test_protected_settings_do_not_stay_on_the_disk(self):
        self.start_front()
        self.configure()
        self.ask_for(1)
        self.assertIn('"protectedSettings": "', self.settings_on_disk(1))
        self.guest.backup(1)
        self.wait_until_idle()
        self.assertNotIn('"protectedSettings"', self.settings_on_disk(1))

    def settings_on_disk(self, number):
        return (self.guest.config_folder / f"{number}.settings").read_text(encoding="utf-8")

    def wait_until_idle(self):
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")


def front_base(test):
    """Of the addresses in the host's answers."""
    return "http://127.0.0.1:0/devstoreaccount1"


if __name__ == "__main__":
    case.run_tests()
