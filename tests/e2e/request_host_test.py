#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the request asks for reaches the host byte for byte, and what the host gives back reaches the vault."""
import datetime
import json

import case
import outcome
import request
from outcome import settings

TOKEN = f"{request.MARKER}-direct-drive-token"
FLAGS = ("isSnapshotTtlEnabled", "useMccfToFetchDsasForAllDisks", "useMccfForLad", "EnableVMSnapshotExtensionPolling",
         "isVmmdBlobIncluded")


def pair(key, value):
    return {"Key": key, "Value": value}


class PassedOnTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front("--disk=-1:disks/os=/dev/null")
        self.configure()

    def bodies(self, public, *rules, sealed=None):
        """Of presnapshot and dosnapshot."""
        status = self.backup(public, *rules, sealed=sealed)
        self.check_success(status)
        return [self.calls_now(what)[0]["body"] for what in ("presnapshot", "dosnapshot")]

    def test_the_bodies_are_those_of_the_service(self):
        pre, do = self.bodies(request.public())
        self.assertEqual(request.presnapshot_body(), pre)
        self.assertEqual(request.dosnapshot_body([0, 1, 2]), do)

    def test_the_os_disk_is_the_last_number(self):
        _, do = self.bodies(settings("onlyHost", {"isOSDiskIncluded": True}))
        self.assertEqual(request.dosnapshot_body([0, 1, 2, -1]), do)

    def test_settings_keep_their_order_and_their_types(self):
        wanted = {"USEMCCFFORLAD": "3", "useMccfToFetchDsasForAllDisks": 7, "issnapshotttlenabled": None,
                  "EnableVMSnapshotExtensionPolling": {"a": [1.5, "x"]}, "isVmmdBlobIncluded": "no", "unknown": 1}
        _, do = self.bodies(settings("onlyHost", {"isVmmdBlobIncluded": True},
                                     dynamicConfigsFromCRP=[pair(*entry) for entry in wanted.items()]))
        got = json.loads(do)["settings"]
        self.assertEqual([pair("isSnapshotTtlEnabled", None), pair("useMccfToFetchDsasForAllDisks", 7),
                          pair("useMccfForLad", "3"), pair("EnableVMSnapshotExtensionPolling", {"a": [1.5, "x"]}),
                          pair("isVmmdBlobIncluded", True)], got)

    def test_settings_are_false_when_nothing_is_said(self):
        _, do = self.bodies(settings("onlyHost", dynamicConfigsFromCRP=None))
        self.assertEqual([pair(flag, False) for flag in FLAGS], json.loads(do)["settings"])

    def test_metadata_goes_on_as_it_came(self):
        metadata = [pair("BackupId", "1"), pair("Größe", {"of": ["any", 1, None]})]
        _, do = self.bodies(settings("onlyHost", backupMetadata=metadata))
        self.assertEqual(metadata, json.loads(do)["snapshotMetadata"])
        self.assertIn("Gr\\u00f6\\u00dfe", do)

    def test_the_task_is_the_backups_own_if_it_has_none_of_its_own(self):
        public = settings("onlyHost", custom={"backupTaskId": None})
        self.assertEqual([public["taskId"]] * 2, [json.loads(body)["taskId"] for body in self.bodies(public)])

    def test_the_token_may_lie_in_the_protected_half(self):
        sealed = {**self.protected(), "snapshotTaskToken": f"{request.MARKER}-sealed"}
        for body in self.bodies(settings("onlyHost", snapshotTaskToken=None), sealed=sealed):
            self.assertEqual(f"{request.MARKER}-sealed", json.loads(body)["snapshotTaskToken"])

    def test_without_a_token_it_is_empty(self):
        for body in self.bodies(settings("onlyHost", snapshotTaskToken=None)):
            self.assertEqual("", json.loads(body)["snapshotTaskToken"])

    def test_instant_access(self):
        _, do = self.bodies(settings("onlyHost", {"instantAccessDurationMinutes": 300}))
        self.assertEqual(("instantAccessDurationMinutes", 300), list(json.loads(do).items())[-1])
        _, do = self.bodies(request.public())
        self.assertNotIn("instantAccessDurationMinutes", do)

    def test_direct_drive_identities_come_back(self):
        def info(created, **changes):
            return {"isSuccessful": "true", "snapshotUri": "https://dd0.z1/disks/d/snapshots/s", "errorMessage": "",
                    "statusCode": 200, "ddSnapshotIdentifier": {"creationTime": created, "id": "s", "token": TOKEN,
                                                                "instantAccessDurationMinutes": 300, **changes}}
        self.expected_secrets = (("1.status", "a planted marker"),)
        infos = [info("2025-01-01T00:00:00.123999Z"), info("2025-01-01T00:00:00Z", instantAccessDurationMinutes=None),
                 info("1999-12-31T23:59:59.5Z")]
        status = self.backup(request.public(), {"path": "dosnapshot", "status": 200,
                                                "body": json.dumps({"snapshotInfo": infos})})
        self.check_success(status)
        found = [disk["directDriveSnapshotIdentifier"] for disk in status.disks]
        self.assertEqual(["/Date(1735689600123)/", "/Date(1735689600000)/", "/Date(946684799500)/"],
                         [one["creationTime"]["DateTime"] for one in found])
        self.assertEqual([300, None, 300], [one["instantAccessDurationMinutes"] for one in found])
        self.assertEqual([(None, "https://dd0.z1/disks/d")] * 3,
                         [(disk["snapshotUri"], disk["blobUri"]) for disk in status.disks])


class TooLateTest(outcome.OutcomeTest):
    """A command may be 140 minutes old, by the host's clock, or by ours where the host does not say."""
    LATE, IN_TIME = 8500, 8000
    NO_TIME = {"path": "presnapshot", "status": 200, "body": json.dumps({"bhsVersion": "1"})}

    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def aged(self, seconds):
        return request.public(commandStartTimeUTCTicks=str(int(request.ticks()) - seconds * 10_000_000))

    def hosts_clock(self, hours):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
        fields = ("year", "month", "day", "hour", "minute", "second")
        return {"path": "presnapshot", "status": 200,
                "body": json.dumps({"responseTime": {field: getattr(now, field) for field in fields}})}

    def check_too_late(self, *arguments):
        status = self.backup(*arguments)
        self.check_end(status, outcome.Cause("", (), 402, says=(
            "CRP timeout limit has reached, will not take snapshot.",)))
        self.assertEqual([], self.calls_now("dosnapshot"))
        self.assertNotIn("heldTime", status.facts)

    def test_by_the_hosts_clock(self):
        self.check_too_late(self.aged(self.LATE))
        self.check_too_late(self.aged(0), self.hosts_clock(3))
        self.check_success(self.backup(self.aged(self.LATE), self.hosts_clock(-1)))

    def test_by_our_own_clock_when_the_host_does_not_say(self):
        for rule in (self.NO_TIME, {"path": "presnapshot", "status": 404}):
            self.check_too_late(self.aged(self.LATE), rule)
            self.check_success(self.backup(self.aged(self.IN_TIME), rule))

    def test_without_a_time_of_the_command_there_is_no_limit(self):
        for ticks in (None, "", "soon"):
            with self.subTest(ticks):
                status = self.backup(request.public(commandStartTimeUTCTicks=ticks), self.hosts_clock(1000))
                self.check_success(status)
                self.assertEqual(ticks or "", status.inner["commandStartTimeUTCTicks"])

    def test_a_classic_machine_is_told_outside_as_well(self):
        public = {**self.aged(self.LATE), "vmType": request.VM_CLASSIC}
        status = self.backup(public)
        self.assertEqual((402, "error", "error"), (status.code, status.inner["status"], status.outer["status"]))


if __name__ == "__main__":
    case.run_tests()
