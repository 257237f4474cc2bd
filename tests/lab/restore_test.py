#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A restored machine with encrypted disks, and `stillpoint reinstall` on it.

    restore_test.py FOLDER [CLASS.TEST]      with the static executables; as root; boots virtual machines
"""
import ade
import restored

# Opens copies of a point's disks so that nothing can write to them, and says what a mount would have to replay on each;
# "0 0 0 0 0" and a number of records, at most the two that a freeze writes on purpose, for a still point.
JUDGE = """set -e
key={keys}/LinuxPassPhraseFileName
mkdir -p /run/b
mount -o ro {root}2 /run/b
open() {{ cryptsetup open --disable-locks --readonly --key-file "$@"; }}
open $key --header /run/b/luks/osluksheader {root}3 judged-root
mkdir -p /run/r
mount -o ro,noload /dev/mapper/judged-root /run/r
open ${{key}}_1_0 {luks1} judged0
open ${{key}}_1_1 {luks2} judged1
open ${{key}}_1_2 {lvm} judged2
open ${{key}}_1_3 --header /run/r{header} {inplace}1 judged3
umount /run/b
umount /run/r
udevadm settle
vgchange -q -ay vg >/dev/null
replay() {{ dumpe2fs -h $1 2>/dev/null | grep -c needs_recovery || true; }}
e2fsck -fn {root}2 >/dev/null 2>&1 && echo 0 || echo 1
replay /dev/mapper/judged-root
replay /dev/mapper/judged0
replay /dev/mapper/judged3
btrfs inspect-internal dump-super /dev/vg/data | awk '/^log_root\t/ {{ print ($2 != 0) }}'
xfs_logprint -t /dev/mapper/judged1 2>/dev/null | grep -c ^TRANS || true
vgchange -q -an vg >/dev/null
for name in judged-root judged0 judged1 judged2 judged3; do cryptsetup close $name; done
"""
FREEZE_RECORDS = 2


class RestoreTest(restored.RestoredTest):
    def judge(self, first, images):
        names = ("root", *(f"lun{lun}" for lun in ade.DISKS))
        disks = [self.add_disk(first + number, images[name]) for number, name in enumerate(names)]
        text = self.guest.run(JUDGE.format(keys=ade.KEYS, header=ade.HEADER, root=disks[0], luks1=disks[1],
                                           luks2=disks[2], lvm=disks[3], inplace=disks[4]), 180).text
        return [int(word) for word in text.split()]

    def test_the_point_was_still_and_one_without_a_hold_was_not(self):
        *held, records = self.judge(0, self.frozen)
        self.assertEqual([0] * 5, held)
        self.assertLessEqual(records, FREEZE_RECORDS)
        *unheld, records = self.judge(5, self.unheld)
        self.assertEqual([1, 1, 1], unheld[1:4], "the judge is blind for ext4")
        self.assertGreater(records, FREEZE_RECORDS, "the judge is blind for xfs")

    def test_one_command_brings_everything_back(self):
        self.assertEqual(restored.FILE_SYSTEM, self.status, self.log)
        self.assert_mounted()
        before = self.guest.run("cat /etc/crypttab /etc/fstab").text
        code, text = self.reinstall()
        self.assertEqual(3, code, text)
        self.assert_mounted()
        self.assertEqual(before, self.guest.run("cat /etc/crypttab /etc/fstab").text)

        code, text = self.reinstall("--apply")
        self.assertEqual(0, code, text)
        self.assert_mounted(*ade.DATA)
        self.assert_database_is_whole()
        self.assertEqual("", self.guest.run(f"mkdir -p {' '.join(f'{one}/w' for one in ade.DATA)}").text)

        code, text = self.reinstall("--apply")
        self.assertEqual(0, code, text)
        self.assertIn("there is nothing to do", text)

        extension = restored.Extension(self.guest)
        extension.configure(restored.MOVED.values())
        extension.start_host(1 + len(ade.DISKS))
        extension.begin(2, tuple(restored.MOVED.values()))
        self.assertEqual(restored.FILE_SYSTEM, extension.end(2))

    def test_a_header_without_a_good_copy_is_named_and_no_byte_of_it_is_written(self):
        disk = self.disk(1)
        self.damage(disk, 5000, 16384 + 5000)
        before = self.hash_of_header(disk)
        for options in ((), ("--apply",), ("--apply", "--repair-headers", "--replay-journals")):
            code, text = self.reinstall(*options)
            self.assertEqual(3, code, text)
            self.assertIn(ade.MAPPERS[1], text)
            self.assertIn("header_damaged", text)
            self.assertEqual(before, self.hash_of_header(disk), options)
        self.assert_others_are_back(1)

    def test_every_command_of_the_document_does_what_it_says(self):
        """But those of a repair machine: restore_damage_test.py."""
        self.guest.run(f"cp {ade.KEYS}/LinuxPassPhraseFileName_1_0 /root/key; mkdir /mnt/other-root; "
                       f"mount --bind / /mnt/other-root; head -c {restored.HEADER_BYTES} {self.disk(1)} >/root/disk.img")
        # What each ends with, and what it must say. Only one volume opens with the key of one.
        table = {
            "reinstall": (3, "--apply"),
            "reinstall --apply": (0, "Done:"),
            "encryption": (0, "osencrypt"),
            "encryption --json": (0, '"volumes"'),
            "encryption --verify-keys": (0, "keyslot 0 is opened by"),
            "encryption --verify-keys --key-file /root/key": (3, "keyslot 0 is opened by"),
            "encryption --root /mnt/other-root": (0, "osencrypt"),
            "encryption disk.img /dev/sdc1": (0, "luks1"),
            "explain EncryptedWithBekOnly": (0, "key encryption key"),
            "explain UserErrorKeyVaultPermissionsNotConfigured": (0, "vault")}
        self.assertEqual(set(table), {command for command in restored.documented()
                                      if restored.REPAIR_ROOT not in command})
        for command, (code, says) in table.items():
            with self.subTest(command):
                words = command.replace("/dev/sdc1", self.disk(0))
                answer = self.guest.run(f"cd /root && {restored.STILLPOINT} {words} 2>&1", 180, check=False)
                self.assert_no_key(answer.text)
                self.assertEqual((code, True), (answer.status, says in answer.text), answer.text)
            if command == "reinstall --apply":
                restored.Extension(self.guest).configure(restored.MOVED.values())
        self.assert_mounted(*ade.DATA)


if __name__ == "__main__":
    restored.main()
