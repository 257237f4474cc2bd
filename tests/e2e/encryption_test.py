#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Machines whose disks the platform encrypts in the guest: what is said about that is passed on and never looked into.
By the host it comes with the answer to presnapshot and goes into dosnapshot; by the guest it is in each blob's
metadata and goes onto the snapshot.
"""
import base64
import json

import case
import outcome
import request
from outcome import settings

KEYS = {"version": "1.1", "keys": [{"url": "https://vault.example/keys/k/1"}, None, 2.5]}
ADE = {"isVMADEEnabled": True}
HEADER = "x-ms-meta-diskencryptionsettings"


def answer(**members):
    return {"path": "presnapshot", "status": 200, "body": json.dumps(members)}


def metadata_of(blob, value, status=200):
    headers = {} if value is None else {"x-ms-meta-DiskEncryptionSettings": value}
    return {"path": f"disks/{blob}", "method": "GET", "comp": "metadata", "status": status, "headers": headers}


class ByHostTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def sent(self, public, *rules):
        """(presnapshot, dosnapshot) as the host got them."""
        self.check_success(self.backup(public, *rules))
        return [json.loads(self.calls_now(what)[0]["body"]) for what in ("presnapshot", "dosnapshot")]

    def check_nothing_passed(self, do):
        self.assertEqual(5, len(do["settings"]))
        self.assertEqual(request.METADATA, do["snapshotMetadata"])

    def test_what_the_host_knows_goes_back_to_it(self):
        for flags in ({"isOsDiskADEEncrypted": True, "areDataDisksADEEncrypted": False},
                      {"isOsDiskADEEncrypted": "yes", "areDataDisksADEEncrypted": 1}):
            pre, do = self.sent(settings("onlyHost", ADE), answer(DiskEncryptionSettings=KEYS, **flags))
            self.assertEqual([{"Key": "isVMADEEnabled", "Value": True}], pre["preSnapshotSettings"])
            self.assertEqual(["taskId", "snapshotTaskToken", "preSnapshotSettings"], list(pre))
            self.assertEqual([{"Key": key, "Value": value} for key, value in flags.items()], do["settings"][5:])
            self.assertEqual([*request.METADATA, {"Key": "DiskEncryptionSettings", "Value": KEYS}],
                             do["snapshotMetadata"])

    def test_with_and_without_a_key_encryption_key_and_managed_disks(self):
        secret = {"diskEncryptionKey": {"secretUrl": "https://vault.example/secrets/s/1"}}
        for keys in (secret, {**secret, "keyEncryptionKey": {"keyUrl": "https://vault.example/keys/k/1"}}):
            for managed in (True, False):
                with self.subTest(keys=list(keys), managed=managed):
                    _, do = self.sent(settings("onlyHost", ADE, {"isManagedVm": managed}),
                                      answer(DiskEncryptionSettings=[keys]))
                    self.assertEqual({"Key": "DiskEncryptionSettings", "Value": [keys]}, do["snapshotMetadata"][-1])

    def test_settings_may_be_any_json(self):
        for value in ("text", [1, 2], 0, False):
            _, do = self.sent(settings("onlyHost", ADE), answer(DiskEncryptionSettings=value))
            self.assertEqual({"Key": "DiskEncryptionSettings", "Value": value}, do["snapshotMetadata"][-1])

    def test_nothing_is_passed_when_the_host_knows_nothing(self):
        for rule in (answer(), answer(DiskEncryptionSettings=None, isOsDiskADEEncrypted=True),
                     {"path": "presnapshot", "status": 500}, {"path": "presnapshot", "status": 200, "body": "[["}):
            with self.subTest(rule):
                _, do = self.sent(settings("onlyHost", ADE), rule)
                self.check_nothing_passed(do)

    def test_nothing_is_asked_or_passed_of_a_machine_without(self):
        pre, do = self.sent(request.public(), answer(DiskEncryptionSettings=KEYS, isOsDiskADEEncrypted=True))
        self.assertNotIn("preSnapshotSettings", pre)
        self.check_nothing_passed(do)

    def test_the_deciding_call_says_so_either_way(self):
        for disks in ({}, ADE):
            pre, _ = self.sent(settings("firstHostThenGuest", disks), answer(DiskEncryptionSettings=KEYS))
            self.assertEqual([{"Key": "isVMADEEnabled", "Value": bool(disks)}], pre["preSnapshotSettings"])

    def test_metadata_that_is_null_is_found_before_anything_is_held(self):
        public = settings("onlyHost", ADE)
        held = json.loads(base64.b64decode(public["objectStr"]))
        public["objectStr"] = request.encoded({**held, "backupMetadata": None})
        status = self.backup(public, answer(DiskEncryptionSettings=KEYS))
        self.assertNotIn("heldTime", status.facts)
        self.check_end(status, outcome.Cause("", (), 11, says=("backupMetadata",)))
        self.assertEqual([], self.calls_now("recsvc"))
        self.rules.clear()


class ByGuestTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_kept(self, expected, *rules, managed=True):
        """`expected`: by blob, None for a snapshot without."""
        public = settings("onlyGuest", ADE, {"isManagedVm": managed}, luns=())
        with self.start_pulse() as beat:
            status = self.backup(public, *rules, {"path": "", "comp": "snapshot", "delay_ms": 300}, blobs=self.blobs())
            beat.wait_until_all_write(case.pulse.now_ns(), 5)
            held = [(begin, end) for lane in beat.lanes() for begin, end in lane["stalls"] if end - begin > 250_000_000]
        self.check_success(status)
        asked = [call for call in self.calls_now("disks/") if call["comp"] == "metadata"]
        self.assertEqual([f"GET /devstoreaccount1/disks/{lun}" for lun in range(3)],
                         [call["request"] for call in asked])
        for call in asked:
            headers = {name.lower(): value for name, value in call["headers"]}
            self.assertEqual("2018-03-28", headers["x-ms-version"])
            self.assertRegex(headers["x-ms-date"], r"^\w{3}, \d{2} \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
            self.assertFalse(any(begin <= call["at_ns"] < end for begin, end in held), "asked while held")
        taken = {call["request"][-1]: {name.lower(): value for name, value in call["headers"]}
                 for call in self.snapshot_calls()}
        self.assertEqual(expected, [taken[str(lun)].get(HEADER) for lun in range(3)])

    def test_each_blob_keeps_its_own(self):
        for managed in (True, False):
            self.check_kept(["{\"a\": 1}", "b", None], metadata_of(0, "{\"a\": 1}"), metadata_of(1, "b"),
                            metadata_of(2, None), managed=managed)

    def test_one_that_cannot_be_read_costs_nothing_but_itself(self):
        self.check_kept(["a", None, None], metadata_of(0, "a"), metadata_of(1, "b", status=403),
                        {"path": "disks/2", "method": "GET", "comp": "metadata", "close": True})

    def test_a_machine_without_is_not_asked(self):
        self.check_success(self.backup(outcome.by_guest(), metadata_of(0, "a"), blobs=self.blobs()))
        self.assertEqual([], [call for call in self.calls_now("disks/") if call["comp"] == "metadata"])
        self.rules.clear()


if __name__ == "__main__":
    case.run_tests()
