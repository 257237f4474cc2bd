#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Secrets stay secret, and TLS means TLS. (That no run writes a secret is asked after every end-to-end test.)"""
import json
import pathlib

import authority
import case
import request
import residue
import rig

DIRECT_DRIVE_TOKEN = f"{request.MARKER}-direct-drive-token"


class SecretsTest(case.EndToEnd):
    def test_the_search_finds_what_is_planted(self):
        """A search that finds nothing anywhere would prove nothing."""
        self.assertEqual([], residue.secrets_in(self.secrets, self.folder))
        key = self.guest.key.read_text(encoding="ascii")
        places = {rig.STATE / "x": request.SIGNATURE, self.guest.logs / "x.log": key,
                  pathlib.Path("/run/x"): request.encoded({"a": request.TASK_TOKEN})}
        for path, text in places.items():
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text, encoding="ascii")
            self.assertIn(str(path), [found for found, _ in residue.secrets_in(self.secrets, self.folder)])
            path.unlink()

    def test_no_secret_is_on_a_command_line(self):
        self.start_front("--host-delay-ms", 700)
        self.configure()
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(lambda: self.front.lines[-1:] and rig.ours("guard"), "the hold")
        seen = [" ".join(rig.processes().get(pid, [])) for pid in rig.ours()]
        self.assertGreaterEqual(len(seen), 2)
        for pid in rig.ours():
            seen.append(pathlib.Path(f"/proc/{pid}/environ").read_text(encoding="utf-8"))
        self.assertNotIn(request.MARKER, " ".join(seen))
        self.guest.wait_for_end(1)

    def test_the_token_of_a_direct_drive_snapshot_is_in_the_status_alone(self):
        self.start_front()
        self.configure(luns=(0,))
        info = {"isSuccessful": "true", "snapshotUri": "https://dd0.z1.storage/disks/0/snapshots/s0",
                "errorMessage": "", "statusCode": 200,
                "ddSnapshotIdentifier": {"creationTime": "2025-01-01T00:00:00.123456Z", "id": "s0",
                                         "token": DIRECT_DRIVE_TOKEN, "instantAccessDurationMinutes": 300}}
        self.break_things({"path": "dosnapshot", "status": 200, "body": json.dumps({"snapshotInfo": [info]})})
        self.expected_secrets = (("1.status", "a planted marker"),)
        self.ask_for(1, request.public(luns=(0,)))
        status = self.guest.backup(1)
        self.assertEqual(1, status.code, status)
        disk = status.disks[0]
        self.assertEqual((None, "https://dd0.z1.storage/disks/0"), (disk["snapshotUri"], disk["blobUri"]))
        self.assertEqual({"creationTime": {"DateTime": "/Date(1735689600123)/", "OffsetMinutes": 0}, "id": "s0",
                          "token": DIRECT_DRIVE_TOKEN, "instantAccessDurationMinutes": 300},
                         disk["directDriveSnapshotIdentifier"])

    def backup_over_tls(self, trusted):
        trust, certificate, key = authority.make(self.folder)
        self.start_front("--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--cert", certificate, "--key", key)
        self.base = f"https://{self.front.ready['listening'][1]}/devstoreaccount1"
        self.configure(ca_bundle=trust if trusted else None)
        self.ask_for(1, request.public("onlyGuest", luns=()), self.blobs())
        return self.guest.backup(1)

    def test_blobs_over_tls(self):
        status = self.backup_over_tls(trusted=True)
        self.assertEqual((1, 1), (status.code, status.consistency), status)
        self.assertEqual(3, len([line for line in self.calls() if line["comp"] == "snapshot"]))

    def test_a_store_that_nobody_vouches_for_gets_nothing(self):
        status = self.backup_over_tls(trusted=False)
        self.assertEqual((76, "error"), (status.code, status.inner["status"]), status)
        self.assertEqual([], [line for line in self.calls() if line["comp"] == "snapshot"])


if __name__ == "__main__":
    case.run_tests()
