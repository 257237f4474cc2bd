#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`stillpoint reinstall --root` on a scratch tree with real encrypted images on loop devices: keys are proven, tables are
repaired, and what fails is taken back. Nothing is opened here: that needs a device mapper.

    reinstall_test.py STILLPOINT
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

STILLPOINT = sys.argv.pop(1) if len(sys.argv) > 1 else ""
LIMIT_S = 120
CONFIG = "var/lib/azure_disk_encryption_config"
NAMES = ("volume-0", "volume-1")
# The smallest that cryptsetup takes: a real derivation would take seconds under the sanitizers.
CHEAP = ("--batch-mode", "--disable-locks", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


def tool(*command, data=None):
    return subprocess.run([str(word) for word in command], check=True, input=data, timeout=LIMIT_S,
                          stdout=subprocess.PIPE).stdout.decode()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Reinstall(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-reinstall-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "root"
        for name in ("etc", CONFIG, "var/lib/stillpoint", "var/lib/waagent"):
            (self.root / name).mkdir(parents=True)
        self.keys = [base64.b64encode(os.urandom(127)) for _ in NAMES]
        self.devices = [self.attach(self.encrypted(0, self.keys[0])), self.attach(self.encrypted(1, self.keys[1]))]
        self.uuids = [tool("cryptsetup", "--disable-locks", "luksUUID", device).strip() for device in self.devices]
        (self.root / "etc/fstab").write_text("# kept\n/dev/mapper/osencrypt / ext4 defaults 0 1\n", encoding="ascii")
        os.chmod(self.root / "etc/fstab", 0o640)
        self.write_passport()

    def attach(self, image):
        device = tool("losetup", "-f", "--show", image).strip()
        self.addCleanup(tool, "losetup", "-d", device)
        return device

    def encrypted(self, number, key):
        image = self.folder / f"disk{number}"
        with open(image, "wb") as disk:
            disk.truncate(24 << 20)
        tool("cryptsetup", "luksFormat", *CHEAP, "--type", "luks2", "--key-file", "-", image, data=key)
        return image

    def put_keys(self, keys):
        """Where the volume with the key files would be mounted; a kernel without vfat mounts none."""
        folder = self.root / "mnt/azure_bek_disk"
        folder.mkdir(parents=True)
        for number, key in enumerate(keys):
            (folder / f"LinuxPassPhraseFileName_1_{number}").write_bytes(key)

    def write_passport(self):
        volumes = [{
            "device": f"sd{number}", "device_path": f"/dev/disk/azure/scsi1/lun{number}", "disks": [f"sd{number}"],
            "luns": [number], "bytes": 24 << 20, "mapper": name, "open": True, "header_file": "", "header_disks": [],
            "header": {"format": "luks2", "state": "sound", "problem": "", "uuid": self.uuids[number], "label": "",
                       "cipher": "aes-xts-plain64", "key_bits": 512, "sector_bytes": 512,
                       "payload_offset_bytes": 16 << 20, "keyslots": [], "tokens": [], "reencrypting": False,
                       "sha256": {"header": "", "keyslots": ""}},
            "stacking": [], "volume_groups": [],
            "mounts": [{"mount_point": f"/data{number}", "type": "ext4", "uuid": "", "source": f"/dev/mapper/{name}"}],
            "key_file": f"/mnt/azure_bek_disk/LinuxPassPhraseFileName_1_{number}", "key_file_present": True,
            "of_azure": True, "bound_to_machine": False,
            "keys": {"secret": "https://vault.example/secrets/s/1", "key_encryption": "", "vault": ""}}
            for number, name in enumerate(NAMES)]
        lines = [{"name": name, "device": f"/dev/disk/azure/scsi1/lun{number}",
                  "key_file": f"/mnt/azure_bek_disk/LinuxPassPhraseFileName_1_{number}", "options": "luks,nofail"}
                 for number, name in enumerate(NAMES)]
        mounts = [{"source": f"/dev/mapper/{name}", "mount_point": f"/data{number}", "type": "ext4",
                   "options": "nofail,defaults", "dump": 0, "pass": 2} for number, name in enumerate(NAMES)]
        self.passport = self.folder / "passport.json"
        self.passport.write_text(json.dumps({
            "format": 1, "machine": "{old}", "devices": [], "mounts": [], "product_uuid": "11111111-2222-3333-4444-555555555555",
            "encryption": {"volumes": volumes, "crypttab": lines, "fstab": mounts}}), encoding="ascii")

    def reinstall(self, *options):
        done = subprocess.run([STILLPOINT, "reinstall", "--root", self.root, "--passport", self.passport, "--json",
                               *options], timeout=LIMIT_S, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr.decode())
        result = json.loads(done.stdout)
        self.assertEqual(result["exit_code"], done.returncode)
        for key in self.keys:
            self.assertNotIn(key, done.stdout + done.stderr)
        return result

    def state(self):
        """Names, modes, owners and content of the tree, and what is mounted."""
        tree = {str(path.relative_to(self.root)): (oct(path.lstat().st_mode), path.lstat().st_uid,
                                                   path.read_bytes() if path.is_file() else None)
                for path in sorted(self.root.rglob("*"))}
        mounts = [line for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
                  if str(self.folder) in line or "/dev/loop" in line]
        return tree, mounts, [sha256(self.folder / name) for name in ("disk0", "disk1")]

    def test_lost_lines_are_put_back_and_a_copy_is_kept(self):
        before = self.state()
        planned = self.reinstall()
        self.assertEqual(self.state(), before, "without --apply nothing changes")
        self.assertEqual(planned["exit_code"], 3)

        result = self.reinstall("--apply")
        self.assertEqual((result["exit_code"], result["result"]), (3, "something_remains"), result)
        # Without a key nothing is opened; each volume names its secret.
        self.assertEqual({one["code"] for one in result["left"]}, {"key_missing"}, result)
        self.assertEqual(sum("https://vault.example/secrets/s/1" in text for text in result["by_hand"]), 2)
        table = (self.root / "etc/crypttab").read_text(encoding="ascii")
        for number, name in enumerate(NAMES):
            self.assertIn(f"{name} /dev/disk/by-uuid/{self.uuids[number]} ", table)
        fstab = (self.root / "etc/fstab").read_text(encoding="ascii")
        self.assertTrue(fstab.startswith("# kept\n/dev/mapper/osencrypt / ext4 defaults 0 1\n"), fstab)
        self.assertIn("/dev/mapper/volume-1 /data1 ext4 nofail,defaults 0 2\n", fstab)
        self.assertEqual((self.root / "etc/fstab").stat().st_mode & 0o777, 0o640)
        copies = [pathlib.Path(path) for path in result["copies"]]
        self.assertEqual([path.name.split("-")[0] for path in copies], ["fstab.stillpoint"], result)
        self.assertEqual(copies[0].read_text(encoding="ascii"), before[0]["etc/fstab"][2].decode())

        once = self.state()
        again = self.reinstall("--apply")
        self.assertEqual([step for step in again["steps"] if step["state"] == "done"], [])
        self.assertEqual(self.state(), once, "a second run changes nothing")

    def test_keys_are_proven_and_no_byte_of_a_disk_changes(self):
        self.put_keys(self.keys)
        before = self.state()
        result = self.reinstall()
        self.assertEqual(self.state(), before)
        opened = [step["sentence"] for step in result["steps"] if step["do"] == "open_volume"]
        self.assertEqual(len(opened), 2, result)
        self.assertTrue(any(f"'{self.devices[1]}' as 'volume-1'" in sentence and "FileName_1_1" in sentence
                            for sentence in opened), opened)

    def test_a_wrong_key_is_no_key(self):
        self.put_keys([self.keys[0], b"another"])
        result = self.reinstall()
        self.assertEqual([(one["what"], one["code"]) for one in result["left"]], [("volume-1", "key_mismatch")])

    def test_two_devices_with_one_header(self):
        self.put_keys(self.keys)
        twin = self.folder / "twin"
        shutil.copyfile(self.folder / "disk0", twin)
        other = self.attach(twin)
        result = self.reinstall()
        self.assertEqual([(one["what"], one["code"]) for one in result["left"]], [("volume-0", "volume_ambiguous")])
        chosen = self.reinstall("--device", f"volume-0={other}")
        self.assertEqual(chosen["left"], [])
        self.assertTrue(any(f"open '{other}' as 'volume-0'" in step["sentence"] for step in chosen["steps"]))

    def test_what_does_not_open_is_left(self):
        if "device-mapper" in pathlib.Path("/proc/misc").read_text(encoding="ascii"):
            self.skipTest("this kernel maps devices: opening would not fail")
        self.put_keys(self.keys)
        _, mounts, disks = self.state()
        result = self.reinstall("--apply")
        self.assertEqual((result["exit_code"], result["result"]), (3, "something_remains"), result)
        self.assertEqual([(one["what"], one["code"]) for one in result["left"]],
                         [(name, "restore_step_failed") for name in NAMES])
        self.assertIn("cryptsetup", result["left"][0]["why"])
        self.assertEqual(self.state()[1:], (mounts, disks))

    def test_what_fails_for_all_is_taken_back(self):
        os.rename(self.root / "etc/fstab", self.root / "etc/elsewhere")
        os.symlink("elsewhere", self.root / "etc/fstab")
        before = self.state()
        result = self.reinstall("--apply")
        self.assertEqual((result["exit_code"], result["result"]), (1, "failed_and_rolled_back"), result)
        self.assertEqual([step["state"] for step in result["steps"]], ["taken_back", "failed"])
        self.assertEqual(self.state(), before)

    def test_the_command_line_is_checked(self):
        for options in (["--root", "/no/such/folder"], ["--device", "nothing"], ["--passport", "/no/such/file"]):
            done = subprocess.run([STILLPOINT, "reinstall", *options], timeout=LIMIT_S, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, (options, done.stderr))


if __name__ == "__main__":
    missing = [name for name in ("cryptsetup", "losetup") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing or not pathlib.Path("/dev/loop-control").exists():
        print(f"skipped: needs root, loop devices and {missing}")
        sys.exit(77)
    unittest.main(verbosity=2)
