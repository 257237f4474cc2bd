#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a backup sees of encrypted disks: their headers' digests in the passport, a warning for what changed since the
last point, and never a reason to fail. The encrypted disk is a loop device, so its header can be read without
device-mapper.
"""
import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import case
import outcome
import request
import residue
import rig

KEY, SECOND_KEY = "planted-key-of-the-volume-7f3a", "planted-second-key-of-it-91cc"
QUICK = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
LUN = 5
CRYPTTAB = pathlib.Path("/etc/crypttab")
SECRET_URL = "https://vault.example/secrets/disk/{}"


def cryptsetup(*words, key=None):
    subprocess.run(["cryptsetup", "--disable-locks", "-q", *map(str, words)], check=True, capture_output=True,
                   input=key and key.encode(), timeout=60)


class EncryptedDisk(outcome.OutcomeTest):
    FRONT = ()

    def setUp(self):
        super().setUp()
        self.image, self.key = self.folder / "encrypted.img", self.folder / "keyfile"
        self.key.write_text(KEY, encoding="ascii")
        with open(self.image, "wb") as file:
            file.truncate(32 << 20)
        cryptsetup("luksFormat", "--type", "luks2", *QUICK, self.image, self.key)
        self.device = subprocess.run(["losetup", "--find", "--show", self.image], check=True, capture_output=True,
                                     text=True, timeout=30).stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", self.device], check=True, timeout=30)
        self.name = pathlib.Path(self.device).name
        CRYPTTAB.write_text(f"data {self.device} {self.key} luks,nofail\n", encoding="ascii")
        self.addCleanup(CRYPTTAB.unlink, missing_ok=True)
        self.start_front(*self.FRONT)
        self.guest.configure(self.disks, {self.device: LUN,
                                          **{disk["device"]: lun for lun, disk in enumerate(self.disks)}},
                             host_port=self.front.address[1])

    def tearDown(self):
        planted = {f"key {number}": key.encode() for number, key in enumerate((KEY, SECOND_KEY))}
        self.assertTrue(residue.secrets_in(planted, self.folder), "the search finds nothing, not even the key file")
        self.key.unlink()
        self.assertEqual([], residue.secrets_in(planted, self.folder), "keys are written")
        super().tearDown()

    def content(self):
        return pathlib.Path(self.device).read_bytes()


class MemoryTest(EncryptedDisk):
    FRONT = ("--host-delay-ms", 8000)
    UUID = slice(168, 204)  # of a LUKS2 header

    def test_no_key_is_in_the_memory_of_a_backup_and_no_core_would_be_written(self):
        self.guest.write_settings(1, request.public(), self.protected())
        beat = self.start_pulse()
        self.assertEqual(0, self.guest.run("enable", 1).code)
        beat.wait_until_all_held(20)
        pids = [*rig.ours("worker"), *rig.ours("guard")]
        limits = [pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii") for pid in pids]
        memory = b"".join(map(residue.memory_of, pids))
        self.assertEqual(rig.TRANSITION, self.guest.status(1).inner["code"], "the memory was read too late")
        self.check_success(self.guest.wait_for_end(1))
        self.assertGreaterEqual(len(limits), 2, "the worker and the guard")
        self.assertIn(self.content()[self.UUID], memory, "the search finds nothing, not even what a passport holds")
        self.assertNotIn(KEY.encode(), memory)
        for text in limits:
            self.assertRegex(text, r"Max core file size +0 +0 ")


class ReadinessTest(EncryptedDisk):
    def passport(self):
        return json.loads((rig.STATE / "passport.json").read_text(encoding="utf-8"))

    def volume(self):
        """The encrypted volume in the passport."""
        volumes = self.passport()["encryption"]["volumes"]
        self.assertEqual([self.name], [volume["device"] for volume in volumes])
        return volumes[0]

    def succeed(self, *rules, **settings):
        """A good backup that leaves the encrypted disk as it is; what it warned of."""
        before = hashlib.sha256(self.content()).hexdigest()
        logged = len(self.guest.log())
        self.check_success(self.backup(request.public(**settings), *rules))
        self.assertEqual(before, hashlib.sha256(self.content()).hexdigest(), "the encrypted disk was written to")
        return [line for line in self.guest.log()[logged:].splitlines() if "encryption: " in line
                and "warning" in line.lower()]

    def test_the_passport_tells_of_the_volume_and_of_no_key(self):
        self.assertEqual([], self.succeed())
        volume, content = self.volume(), self.content()
        size = int.from_bytes(content[8:16], "big")
        self.assertEqual(hashlib.sha256(content[:size]).hexdigest(), volume["header"]["sha256"]["header"])
        self.assertEqual(("luks2", "sound", [{"number": 0, "kind": "pbkdf2", "bound": True}]),
                         tuple(volume["header"][member] for member in ("format", "state", "keyslots")))
        self.assertEqual(("data", False, [LUN], str(self.key), True, {"secret": "", "key_encryption": "", "vault": ""}),
                         tuple(volume[member] for member in ("mapper", "open", "luns", "key_file", "key_file_present",
                                                             "keys")))
        self.assertEqual(0o600, (rig.STATE / "passport.json").stat().st_mode & 0o777)
        self.assertEqual([], self.succeed(), "nothing has changed")

    def test_a_change_of_the_keyslots_is_named(self):
        self.succeed()
        second = self.folder / "second.img"  # left out of the search for keys by its name
        second.write_text(SECOND_KEY, encoding="ascii")
        cryptsetup("luksAddKey", "--key-file", self.key, *QUICK, self.device, second)
        warned = self.succeed()
        self.assertEqual(1, len(warned), warned)
        self.assertIn("keyslots_changed", warned[0])
        self.assertIn("2 (pbkdf2, pbkdf2), where there were 1 (pbkdf2)", warned[0])
        self.assertIn("keyslots_changed", json.dumps(self.guest.events()))
        self.assertEqual([], self.succeed())

    def test_a_change_is_named_until_a_point_was_taken_with_it(self):
        self.succeed()
        second = self.folder / "second.img"
        second.write_text(SECOND_KEY, encoding="ascii")
        cryptsetup("luksAddKey", "--key-file", self.key, *QUICK, self.device, second)
        failed = self.backup(request.public(), {"path": "dosnapshot", "status": 500})
        self.assertNotEqual("success", failed.inner["status"])
        self.assertIn("keyslots_changed", " ".join(self.succeed()))
        self.assertEqual([], self.succeed())

    def test_a_damaged_header_is_named_and_left_as_it_is(self):
        self.succeed()
        second_copy = int.from_bytes(self.content()[8:16], "big")
        for offset, names in ((5000, ["header_copy_damaged"]), (second_copy + 5000, ["header_damaged"])):
            with open(self.device, "r+b", buffering=0) as disk:
                disk.seek(offset // 4096 * 4096)
                block = bytearray(disk.read(4096))
                block[offset % 4096] ^= 0x55
                disk.seek(offset // 4096 * 4096)
                disk.write(block)
            self.assertEqual(names, [re.search(r"id='(\w+)'|$", line)[1] for line in self.succeed()])

    def test_encryption_that_is_switched_on_and_off_is_named(self):
        header = self.content()[:1 << 20]
        with open(self.device, "r+b", buffering=0) as disk:
            disk.write(bytes(len(header)))
        CRYPTTAB.unlink()
        self.succeed()
        with open(self.device, "r+b", buffering=0) as disk:
            disk.write(header)
        self.assertIn("encryption_switched_on", " ".join(self.succeed()))
        with open(self.device, "r+b", buffering=0) as disk:
            disk.write(bytes(len(header)))
        self.assertIn("encryption_switched_off", " ".join(self.succeed()))

    def test_the_keys_place_comes_from_the_host_and_its_drift_is_named(self):
        def told(version):
            settings = [{"lun": LUN, "diskEncryptionKey": {"secretUrl": SECRET_URL.format(version),
                                                           "sourceVault": {"id": "/subscriptions/x"}}}]
            return {"path": "presnapshot", "status": 200, "body": json.dumps({"DiskEncryptionSettings": settings})}

        ade = outcome.settings("onlyHost", {"isVMADEEnabled": True})["objectStr"]
        self.assertEqual([], self.succeed(told(1), objectStr=ade))
        self.assertEqual({"secret": SECRET_URL.format(1), "key_encryption": "", "vault": "/subscriptions/x"},
                         self.volume()["keys"])
        self.assertEqual([], self.succeed(), "the host says nothing this time")
        self.assertIn("key_version_changed", " ".join(self.succeed(told(2), objectStr=ade)))

    def test_a_survey_that_fails_costs_no_backup(self):
        CRYPTTAB.write_text("a b\n" * 250_000, encoding="ascii")  # its survey is larger than is listened to
        warned = self.succeed()
        self.assertEqual(1, len(warned), warned)
        self.assertIn("encryption_survey_failed", warned[0])
        self.assertIsNone(self.passport()["encryption"])
        CRYPTTAB.write_text("x\n", encoding="ascii")
        self.assertIn("line 1", " ".join(self.succeed()))
        (rig.STATE / "last-point.json").write_text("{", encoding="ascii")
        self.assertIn("passport_malformed", " ".join(self.succeed()))

    def test_the_command_tells_the_same_and_tries_keys(self):
        program = self.guest.base / "bin/stillpoint"

        def run(*words):
            ended = subprocess.run([program, "encryption", *map(str, words)], capture_output=True, text=True, timeout=60)
            return ended.returncode, ended.stdout

        before = hashlib.sha256(self.content()).hexdigest()
        self.succeed()
        code, text = run("--json")
        self.assertEqual((0, self.passport()["encryption"]), (code, json.loads(text)))
        self.assertIn("0 pbkdf2", run()[1])
        self.assertEqual((0, f"{self.name}: keyslot 0 is opened by '{self.key}'\n"),
                         (run("--verify-keys")[0], run("--verify-keys")[1].splitlines(keepends=True)[-1]))
        part = self.folder / "part"
        part.write_text(f"before{KEY}after", encoding="ascii")
        CRYPTTAB.write_text(f"data {self.device} {part} luks,keyfile-offset=6,keyfile-size={len(KEY)}\n", encoding="ascii")
        code = run("--verify-keys")[0]
        part.unlink()
        self.assertEqual(0, code)
        CRYPTTAB.write_text(f"data {self.device} {self.key} luks,nofail\n", encoding="ascii")
        other = self.folder / "other.img"
        other.write_text(SECOND_KEY, encoding="ascii")
        code, text = run("--verify-keys", "--key-file", other, "--json")
        self.assertEqual((3, "key_mismatch"), (code, json.loads(text)["keys"][0]["error"]))
        code, text = run("--verify-keys", "--key-file", self.folder / "gone")
        self.assertEqual(3, code)
        self.assertIn("key_missing", text)
        self.assertEqual(0, run("--verify-keys", "--key-file", self.key, self.image)[0])
        elsewhere = self.folder / "root"
        (elsewhere / "etc").mkdir(parents=True)
        (elsewhere / "etc/crypttab").write_text(f"elsewhere {self.device} none luks\n", encoding="ascii")
        self.assertIn("('elsewhere', closed)", run("--root", elsewhere)[1])
        self.assertEqual(1, run(self.folder / "gone")[0])
        self.assertEqual(2, run("--key-file", self.key)[0])
        self.assertEqual(before, hashlib.sha256(self.content()).hexdigest())


if __name__ == "__main__":
    if shutil.which("cryptsetup") is None:
        case.trial.skip_unless(tools=("cryptsetup",))
    case.run_tests()
