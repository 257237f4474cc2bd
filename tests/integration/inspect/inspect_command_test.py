#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`stillpoint inspect` on images that the filesystems' and cryptsetup's own tools made.

    inspect_command_test.py STILLPOINT LUKS_FILL
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import images  # noqa: E402
from images import MIB, inspect, run, state_of  # noqa: E402

NEEDED = ("mke2fs", "mkfs.xfs", "mkfs.btrfs", "mkfs.fat", "mkntfs", "ntfsfix", "mkswap", "debugfs", "cryptsetup",
          "blkid", "strace")
KEY, OTHER_KEY = b"PLANTED-key-one", b"PLANTED-key-two"


class Images(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sp-inspect-")
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def file(self, name, content):
        (self.root / name).write_bytes(content)
        return self.root / name


class Filesystems(Images):
    def made(self, kind):
        return images.filesystem(self.root / kind, kind, label="SPTEST")

    def test_fresh_ones_are_clean_and_bear_the_names_that_blkid_sees(self):
        for kind in ("ext2", "ext3", "ext4", "xfs", "btrfs", "fat12", "fat16", "fat32", "ntfs"):
            with self.subTest(kind):
                image = self.made(kind)
                code, report = inspect(image)
                state = report["volumes"][0]["content"]["filesystem"]
                blkid = dict(line.split("=", 1) for line in run("blkid", "-p", "-o", "export", image).splitlines())
                # Of btrfs and NTFS nothing tells that they were unmounted.
                verdict = "nothing to replay" if kind in ("btrfs", "ntfs") else "clean"
                self.assertEqual((0, verdict), (code, state["verdict"]))
                self.assertEqual(verdict != "clean", bool(report["gaps"]))
                self.assertEqual([blkid["TYPE"], blkid["UUID"], "SPTEST"],
                                 [state["type"], state["uuid"], state["label"]])

    def test_one_that_is_marked_with_errors_is_said_so(self):
        image = self.made("ext4")
        run("debugfs", "-w", "-R", "set_super_value state 2", image)
        self.assertEqual("errors", state_of(image)["verdict"])
        self.assertEqual(3, inspect(image)[0])

    def test_an_ext2_that_was_not_unmounted_cannot_tell(self):
        image = self.made("ext2")
        run("debugfs", "-w", "-R", "set_super_value state 0", image)
        code, report = inspect(image)
        self.assertEqual((0, "was mounted"), (code, report["volumes"][0]["content"]["filesystem"]["verdict"]))
        self.assertEqual(1, len(report["gaps"]))

    def test_the_dirty_flag_of_ntfs_is_the_one_that_its_tools_set(self):
        image = self.made("ntfs")
        run("ntfsfix", image)  # schedules a check
        self.assertEqual("errors", state_of(image)["verdict"])
        run("ntfsfix", "-d", image)
        self.assertEqual("nothing to replay", state_of(image)["verdict"])

    def test_the_marks_of_fat(self):
        # What a mount, and what a disk error leaves: Linux, fs/fat/inode.c; the FAT specification.
        for kind, state_at, entry_at, width in (("fat16", 0x25, 2, 2), ("fat32", 0x41, 4, 4)):
            with self.subTest(kind):
                image = self.made(kind)
                content = bytearray(image.read_bytes())
                table = int.from_bytes(content[14:16], "little") * 512
                content[state_at] |= 1
                image.write_bytes(content)
                self.assertEqual("was mounted", state_of(image)["verdict"])
                content[state_at] &= ~1
                content[table + entry_at + width - 1] &= 0xBF if kind == "fat16" else 0xFB
                image.write_bytes(content)
                self.assertEqual("errors", state_of(image)["verdict"])

    def test_swap_and_nothing_are_told_apart(self):
        _, report = inspect(self.made("swap"))
        self.assertEqual("swap", report["volumes"][0]["content"]["name"])
        code, report = inspect(images.empty(self.root / "empty", 1))
        self.assertEqual((3, "nothing recognised"), (code, report["volumes"][0]["content"]["kind"]))

    def test_a_superblock_that_is_lost_is_told_of_by_its_copy(self):
        for kind, at in (("ext4", 1024), ("btrfs", 65536), ("fat32", 0), ("ntfs", 0)):
            with self.subTest(kind):
                image = self.made(kind)
                with open(image, "r+b") as out:
                    out.seek(at)
                    out.write(bytes(1024))
                code, report = inspect(image)
                name = "vfat" if kind == "fat32" else kind
                self.assertEqual(3, code)
                self.assertRegex(" ".join(report["problems"]), f"a copy of the superblock of {name}")

    def test_errors_of_ext4_that_its_tools_count(self):
        image = self.made("ext4")
        run("debugfs", "-w", "-R", "set_super_value error_count 2", image)
        self.assertEqual("errors", state_of(image)["verdict"])

    def test_a_journal_on_another_device_leaves_it_untold(self):
        run("mke2fs", "-q", "-O", "journal_dev", "-b", "1024", images.empty(self.root / "journal", 8))
        image = self.made("ext4")
        run("debugfs", "-w", "-R", "set_super_value journal_inum 0", image)
        for one in (self.root / "journal", image):
            code, report = inspect(one)
            self.assertEqual((0, "not told"), (code, report["volumes"][0]["content"]["filesystem"]["verdict"]))

    def test_a_second_superblock_of_btrfs_is_found(self):
        image = self.made("btrfs")
        with open(image, "r+b") as out:
            out.seek(65536 + 200)
            out.write(b"damage")
        state = state_of(image)
        self.assertEqual("errors", state["verdict"])
        self.assertRegex(state["why"], "second one is valid")

    def test_cut_off_filesystems_are_problems(self):
        for kind in ("ext4", "xfs", "btrfs", "fat16", "ntfs"):
            with self.subTest(kind):
                image = self.made(kind)
                os.truncate(image, MIB)
                code, report = inspect(image)
                self.assertEqual(3, code)
                self.assertRegex(report["problems"][0], "its end is missing|lies outside its volume")


class EncryptedDisk(Images):
    """An EFI partition, LUKS2 with ext4 and LUKS1 with xfs in it, on one disk."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="sp-inspect-")
        cls.addClassCleanup(cls.made.cleanup)
        made = pathlib.Path(cls.made.name)
        cls.key, cls.other = made / "one.key", made / "two.key"
        cls.key.write_bytes(KEY)
        cls.other.write_bytes(OTHER_KEY)
        esp = images.filesystem(made / "esp", "fat16")
        cls.luks2 = images.luks(made / "luks2", "luks2", cls.key, images.filesystem(made / "ext4", "ext4", "inner"), 48)
        cls.luks1 = images.luks(made / "luks1", "luks1", cls.other, images.filesystem(made / "xfs", "xfs"), 322)
        cls.original = images.disk(made / "disk.img", [("esp", "EFI", esp), ("linux", "data", cls.luks2),
                                                       ("linux", "logs", cls.luks1)])

    def setUp(self):
        super().setUp()
        self.disk = self.root / "disk.img"
        run("cp", "--sparse=always", self.original, self.disk)

    def keys(self):
        return "--key-file", self.key, "--key-file", self.other

    def check(self, image, form):
        before = images.digest(image)
        code, report = inspect(image, *self.keys())
        self.assertEqual((0, form, "gpt", []), (code, report["form"], report["partition_table"]["type"],
                                                report["problems"]))
        esp, data, logs = report["volumes"]
        self.assertEqual(["EFI system", "EFI", MIB], [esp["type_name"], esp["name"], esp["offset_bytes"]])
        self.assertEqual("clean", esp["content"]["filesystem"]["verdict"])
        self.assertEqual(["luks2", "luks1"], [data["encryption"]["format"], logs["encryption"]["format"]])
        self.assertEqual([(True, 0), (False, None)],
                         [(one["opens"], one["keyslot"]) for one in data["encryption"]["keys"]])
        self.assertEqual([False, True], [one["opens"] for one in logs["encryption"]["keys"]])
        self.assertEqual(["ext4", "inner", "clean"],
                         [data["content"]["filesystem"][name] for name in ("type", "label", "verdict")])
        self.assertEqual(["xfs", "clean"],
                         [logs["content"]["filesystem"][name] for name in ("type", "verdict")])
        self.assertEqual(before, images.digest(image))

    def test_a_raw_image(self):
        self.check(self.disk, "raw")

    def test_a_fixed_vhd(self):
        self.check(images.vhd(self.root / "disk.vhd", self.disk), "fixed VHD")

    def test_facts_agree_with_cryptsetup(self):
        _, report = inspect(self.disk)
        for volume, file in zip(report["volumes"][1:], (self.luks2, self.luks1)):
            dump = run("cryptsetup", "luksDump", "--disable-locks", file)
            self.assertIn(volume["encryption"]["uuid"], dump)
            self.assertEqual(1, len(volume["encryption"]["keyslots"]))
            self.assertEqual("no key was given", volume["not_looked_at"])

    def test_a_key_that_opens_nothing_is_a_verdict(self):
        code, report = inspect(self.disk, *self.keys(), "--key-file", self.file("wrong.key", b"PLANTED-wrong"))
        self.assertEqual(3, code)
        self.assertEqual([f"key file '{self.root}/wrong.key' opens nothing"], report["problems"])
        code, report = inspect(self.disk, "--key-file", self.key)
        self.assertEqual(["partition 3: no key that was given opens it"], report["problems"])
        self.assertEqual("clean", report["volumes"][1]["content"]["filesystem"]["verdict"])

    def test_bytes_of_a_key_file_are_taken_as_they_are(self):
        code, report = inspect(self.disk, "--key-file", self.file("newline.key", KEY + b"\n"))
        self.assertEqual((3, [False]), (code, [one["opens"] for one in report["volumes"][1]["encryption"]["keys"]]))

    def test_a_damaged_copy_of_the_partition_table_is_a_problem(self):
        size = self.disk.stat().st_size
        for at, sentence in ((512 + 60, "the GPT at its beginning is damaged"), (size - 512 + 60, "copy of the GPT")):
            with self.subTest(sentence):
                run("cp", "--sparse=always", self.original, self.disk)
                with open(self.disk, "r+b") as out:
                    out.seek(at)
                    out.write(b"damage")
                code, report = inspect(self.disk, *self.keys())
                self.assertEqual((3, 3), (code, len(report["volumes"])))
                self.assertRegex(report["problems"][0], sentence)

    def test_a_truncated_image(self):
        os.truncate(self.disk, 60 * MIB)
        code, report = inspect(self.disk, "--key-file", self.key)
        problems = "\n".join(report["problems"])
        self.assertEqual((3, 3), (code, len(report["volumes"])))
        for sentence in ("the image's end is missing", "partition 2: the image ends before it does",
                         "partition 2: ext4: its end is missing", "partition 3: the image ends before it does"):
            self.assertRegex(problems, sentence)
        self.assertEqual(["EFI system", "EFI", MIB], [report["volumes"][0][name]
                                                      for name in ("type_name", "name", "offset_bytes")])

    def test_a_damaged_header_is_named_and_not_repaired(self):
        with open(self.disk, "r+b") as out:
            out.seek(33 * MIB + 0x4000 + 600)  # the second copy's JSON
            out.write(b"damage")
        before = images.digest(self.disk)
        code, report = inspect(self.disk, "--key-file", self.key)
        self.assertEqual((3, "one copy damaged"), (code, report["volumes"][1]["encryption"]["state"]))
        self.assertEqual("clean", report["volumes"][1]["content"]["filesystem"]["verdict"])
        self.assertEqual(before, images.digest(self.disk))

    def test_the_text_says_it_for_people_and_never_a_key(self):
        done = subprocess.run([images.STILLPOINT, "inspect", *map(str, self.keys()), str(self.disk)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(0, done.returncode)
        for sentence in (r"partition 2: 48 MiB at 33 MiB, Linux filesystem, 'data'",
                         r"one.key' opens keyslot 0", r"two.key' does not open it",
                         r"inside: ext4 'inner', UUID ", r"nothing speaks against it"):
            self.assertRegex(done.stdout, sentence)
        self.assertNotIn("PLANTED", done.stdout)


class OtherLayouts(Images):
    def test_large_sectors_of_encryption(self):
        key = self.file("key", KEY)
        xfs = images.filesystem(self.root / "xfs", "xfs")
        volume = images.luks(self.root / "luks", "luks2", key, xfs, 340, "--sector-size", "4096")
        code, report = inspect(volume, "--key-file", key)
        self.assertEqual((0, 4096, "clean"), (code, report["volumes"][0]["encryption"]["sector_bytes"],
                                              report["volumes"][0]["content"]["filesystem"]["verdict"]))

    def test_a_detached_header(self):
        key = self.file("key", KEY)
        ext4 = images.filesystem(self.root / "ext4", "ext4")
        for version in ("luks1", "luks2"):
            with self.subTest(version):
                header = self.root / f"{version}.header"
                volume = images.luks(self.root / version, version, key, ext4, 32, header=header)
                disk = images.disk(self.root / "disk.img", [("linux", "data", volume)])
                for image, options in ((volume, ()), (disk, ("--partition", "1"))):
                    code, report = inspect(image, "--header", header, *options, "--key-file", key)
                    self.assertEqual((0, True, "clean"),
                                     (code, report["volumes"][0]["encryption"]["detached_header"],
                                      report["volumes"][0]["content"]["filesystem"]["verdict"]))
                self.assertEqual(2, inspect(disk, "--header", header)[0])
                self.assertEqual(1, inspect(volume, "--header", ext4)[0])

    def test_lvm_inside_is_named(self):
        key = self.file("key", KEY)
        label = bytearray(8 * MIB)
        label[512:520], label[536:544] = b"LABELONE", b"LVM2 001"
        volume = images.luks(self.root / "luks", "luks2", key, self.file("pv", label), 32)
        code, report = inspect(volume, "--key-file", key)
        self.assertEqual((0, "LVM physical volume"), (code, report["volumes"][0]["content"]["kind"]))
        self.assertEqual(["the volume: LVM physical volume: its filesystems are not looked at"], report["gaps"])

    def test_another_cipher_is_header_and_key_only(self):
        key = self.file("key", KEY)
        volume = images.empty(self.root / "luks", 32)
        run("cryptsetup", "luksFormat", "-q", "--type", "luks1", "--disable-locks", *images.FAST_LUKS["luks1"],
            "--cipher", "aes-cbc-essiv:sha256", "--key-size", "256", volume, key)
        code, report = inspect(volume, "--key-file", key)
        self.assertEqual((0, True), (code, report["volumes"][0]["encryption"]["keys"][0]["opens"]))
        self.assertRegex(report["volumes"][0]["not_looked_at"], "^header and key only: 'aes-cbc-essiv:sha256'")

    def test_a_disk_with_sectors_of_4096_bytes(self):
        ext4 = images.filesystem(self.root / "ext4", "ext4")
        disk = images.disk(self.root / "disk.img", [("linux", "data", ext4)], sector=4096)
        code, report = inspect(disk)
        self.assertEqual((0, "gpt", MIB), (code, report["partition_table"]["type"],
                                           report["volumes"][0]["offset_bytes"]))
        self.assertEqual("clean", report["volumes"][0]["content"]["filesystem"]["verdict"])

    def test_an_mbr_with_a_logical_partition(self):
        disk = images.dos_disk(self.root / "disk.img", 80, first=(2048, 67584), logical=(71680, 67584))
        images.copy_into(disk, 71680 * 512, images.filesystem(self.root / "ext4", "ext4"))
        code, report = inspect(disk)
        self.assertEqual((0, "dos", [1, 5]), (code, report["partition_table"]["type"],
                                              [one["partition"] for one in report["volumes"]]))
        self.assertEqual("clean", report["volumes"][1]["content"]["filesystem"]["verdict"])


class Refusals(Images):
    def test_what_cannot_be_read(self):
        os.mkfifo(self.root / "pipe")
        for image in (self.root / "missing", self.root / "pipe", self.root, self.file("short", b"x"),
                      self.file("vhdx", b"vhdxfile" + bytes(MIB)), self.file("qcow2", b"QFI\xfb" + bytes(MIB))):
            code, message = inspect(image)
            self.assertEqual(1, code, message)
            self.assertRegex(message, "^stillpoint: ")

    def test_dynamic_disks_are_named(self):
        raw = images.vhd(self.root / "a.vhd", images.empty(self.root / "raw", 1))
        content = bytearray(raw.read_bytes())
        content[-512 + 63] = 3
        code, message = inspect(self.file("b.vhd", content))
        self.assertEqual(1, code)
        self.assertRegex(message, "dynamic VHD")

    def test_usage(self):
        image = images.empty(self.root / "empty", 1)
        self.assertEqual(2, inspect(image, "--partition", "1")[0])
        self.assertEqual(2, inspect(image, "--partition", "x")[0])
        self.assertEqual(2, subprocess.run([images.STILLPOINT, "inspect"], check=False, timeout=60,
                                           stderr=subprocess.DEVNULL).returncode)
        self.assertEqual(1, inspect(image, "--key-file", self.root / "missing")[0])

    def test_nothing_writable_is_opened(self):
        image = images.filesystem(self.root / "ext4", "ext4")
        trace = run("strace", "-f", "-y", "-e", "trace=openat,open,openat2,creat,mount,ioctl", images.STILLPOINT,
                    "inspect", image, leaks=False)
        opened = [line for line in trace.splitlines() if str(image) in line and "openat(" in line]
        self.assertTrue(opened)
        for line in opened:
            self.assertRegex(line, "O_RDONLY")
        self.assertIsNone(re.search(r"\bmount\(", trace))


if __name__ == "__main__":
    images.LUKS_FILL = sys.argv.pop(2)
    images.STILLPOINT = sys.argv.pop(1)
    if images.missing_tools(*NEEDED):
        print("skipped: not installed:", *images.missing_tools(*NEEDED))
        sys.exit(77)
    unittest.main(verbosity=2)
