#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot be used: a document that names the field, with the published number."""
import base64
import json

import case
import request

MALFORMED = 11
CERTIFICATE = 16


class SettingsTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def refused(self, number, text):
        self.guest.write_settings_text(number, text)
        ended = self.guest.run("enable", number)
        status = self.guest.wait_for_end(number)
        self.assertEqual("error", status.inner["status"], status)
        self.assertEqual(0, status.consistency)
        return ended, status

    def test_a_wrong_field_is_named(self):
        inner = json.loads(base64.b64decode(request.public()["objectStr"]))
        cases = {
            "no JSON": ('{"runtimeSettings": [', "settings"),
            "no settings": (json.dumps({"runtimeSettings": []}), "runtimeSettings"),
            "no objectStr": (request.settings_file(request.public(objectStr=None)), "objectStr"),
            "objectStr is no base64": (request.settings_file(request.public(objectStr="%%%")), "objectStr"),
            "objectStr is no JSON": (request.settings_file(request.public(
                objectStr=base64.b64encode(b"{").decode())), "objectStr"),
            "no metadata": (request.settings_file(request.public(objectStr=request.encoded(
                {key: value for key, value in inner.items() if key != "backupMetadata"}))), "backupMetadata"),
            "a LUN that is text": (request.settings_file(request.public(objectStr=request.encoded(
                {**inner, "includedDisks": {"dataDiskLunList": ["zero"], "isOSDiskIncluded": True}}))),
                "dataDiskLunList"),
            "no command": (request.settings_file(request.public(commandToExecute=None)), "commandToExecute"),
        }
        for number, (name, (text, field)) in enumerate(cases.items(), 1):
            with self.subTest(name):
                ended, status = self.refused(number, text)
                self.assertEqual(MALFORMED, status.code, status)
                self.assertIn(field, status.message["messageStr"])
                self.assertEqual({"vmHealthState": 128, "vmHealthStatusCode": MALFORMED}, status.health)
                self.assertEqual((0, ""), (ended.code, ended.output))
        self.assertEqual([], self.calls("recsvc"))

    def test_an_unknown_command(self):
        _, status = self.refused(1, request.settings_file(request.public(commandToExecute="restore")))
        self.assertEqual(MALFORMED, status.code)
        self.assertIn("command is not correct", status.message["messageStr"])

    def test_no_settings_file_at_all(self):
        ended = self.guest.run("enable", 5)
        status = self.guest.status(5)
        self.assertIsNotNone(status, "the VM agent waits for its time limit without one")
        self.assertEqual((MALFORMED, "error"), (status.code, status.inner["status"]), (status, ended))

    def test_an_install_command_succeeds_without_a_snapshot(self):
        self.guest.write_settings(1, request.public(commandToExecute="install", objectStr=None))
        status = self.guest.backup(1)
        self.assertEqual((1, "success"), (status.code, status.inner["status"]))
        self.assertEqual([], self.calls("recsvc"))

    def sealed_for_somebody_else(self, public, blobs=()):
        """The guest does not have the key."""
        self.guest.key.unlink()
        self.ask_for(1, public, blobs)
        return self.guest.backup(1)

    def test_without_the_key_the_host_still_snapshots(self):
        status = self.sealed_for_somebody_else(request.public())
        self.assertEqual((1, "success", 1), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual({"vmHealthState": 128, "vmHealthStatusCode": CERTIFICATE}, status.health)
        # Kept for another try.
        self.assertIn('"protectedSettings"', (self.guest.config_folder / "1.settings").read_text(encoding="utf-8"))

    def test_without_the_key_there_are_no_blobs(self):
        status = self.sealed_for_somebody_else(request.public("onlyGuest", luns=()), self.blobs())
        self.assertEqual((CERTIFICATE, "error"), (status.code, status.inner["status"]), status)
        self.assertIn(f"{self.guest.thumbprint}.prv", status.message["messageStr"])

    def test_damaged_protected_settings(self):
        public = request.public("onlyGuest", luns=())
        sealed = request.seal(self.protected(self.blobs()), self.guest.certificate)
        for number, broken in enumerate((sealed[:200], "AAAA", sealed[:-400] + "A" * 400), 1):
            with self.subTest(number):
                self.guest.write_settings_text(number, request.settings_file(public | {"taskId": f"task-{number}"},
                                                                             broken, self.guest.thumbprint))
                status = self.guest.backup(number)
                self.assertEqual((CERTIFICATE, "error"), (status.code, status.inner["status"]), status)


if __name__ == "__main__":
    case.run_tests()
