#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`stillpoint reinstall` where something is missing, damaged or twice there: a clear report, and no harm.

    restore_damage_test.py FOLDER [CLASS.TEST]      with the static executables; as root; boots virtual machines
"""
import ade
import restored


class DamageTest(restored.RestoredTest):
    def test_a_missing_key_is_asked_for_and_the_others_open(self):
        self.guest.run(f"umount {ade.KEYS}; mount /dev/vdb1 /mnt && rm /mnt/LinuxPassPhraseFileName_1_0 && umount /mnt")
        before = self.hash(self.disk(0))
        code, text = self.reinstall("--apply")
        self.assertEqual(3, code, text)
        self.assertIn("key_missing", text)
        self.assertIn(ade.MAPPERS[0], text)
        self.assert_others_are_back(0)
        self.assert_database_is_whole()
        self.assertEqual(before, self.hash(self.disk(0)))

    def test_a_header_with_one_good_copy_opens_and_is_repaired_only_when_that_was_said(self):
        disk = self.disk(1)
        self.damage(disk, 5000)
        before = self.hash_of_header(disk)
        code, text = self.reinstall("--apply")
        self.assertEqual((3, True), (code, "--repair-headers" in text), text)
        self.assert_mounted(*ade.DATA)
        self.assert_database_is_whole()
        self.assertEqual(before, self.hash_of_header(disk), "a header was written to")
        code, text = self.reinstall("--apply", "--repair-headers")
        self.assertNotEqual(before, self.hash_of_header(disk), text)
        kept = self.guest.run("ls /var/lib/stillpoint").text
        self.assertIn("header-", kept)
        self.guest.run(f"cryptsetup luksDump --disable-locks {disk} >/dev/null")
        code, text = self.reinstall("--apply")
        self.assertEqual(0, code, text)

    def test_a_lost_crypttab_is_rebuilt_from_the_passport(self):
        self.guest.run("rm /etc/crypttab; sed -i '/mapper\\/1a6b/d' /etc/fstab")
        code, text = self.reinstall("--apply")
        self.assertEqual(0, code, text)
        self.assert_mounted(*ade.DATA)
        table = self.guest.run("cat /etc/crypttab").text
        for name in ("osencrypt", *ade.MAPPERS):
            self.assertIn(f"{name} ", table)
        self.assertIn(f"/dev/mapper/{ade.MAPPERS[0]} /data/luks1 ext4 ", self.guest.run("cat /etc/fstab").text)

    def test_a_lost_crypttab_is_rebuilt_from_the_lines_inside_without_a_passport(self):
        self.guest.run("rm -f /etc/crypttab /var/lib/stillpoint/*.json /boot/stillpoint-passport.json; "
                       "sed -i '/mapper\\/1a6b/d' /etc/fstab")
        code, text = self.reinstall("--apply")
        # Nothing tells of the disk whose header is a file, nor of LVM: what is on them has no lines of its own.
        self.assertIn(code, (0, 3), text)
        table = self.guest.run("cat /etc/crypttab").text
        for name in ade.MAPPERS[:2]:
            self.assertIn(f"{name} ", table, text)
        mounted = self.guest.run("findmnt -rn -o TARGET --real").text.split()
        self.assertLessEqual({ade.DATA[0], ade.DATA[1]}, set(mounted), text)

    def test_data_disks_that_are_newer_than_root_open_with_the_keys_that_fit(self):
        disk = self.disk(1)
        self.guest.run(f"head -c 127 /dev/urandom | base64 -w 0 >/run/newer && cryptsetup luksAddKey -q --disable-locks "
                       "--pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
                       f"--key-file {ade.KEYS}/LinuxPassPhraseFileName_1_1 {disk} /run/newer")
        code, text = self.reinstall("--apply")
        self.assertIn(code, (0, 3), text)
        self.assert_mounted(*ade.DATA)
        self.assert_database_is_whole()

    def test_data_disks_of_another_machine_are_left_alone(self):
        """Root is older than the data disk: the passport knows another header."""
        disk = self.disk(1)
        self.guest.run("cryptsetup luksFormat -q --disable-locks --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
                       f"{disk} {ade.KEYS}/LinuxPassPhraseFileName_1_1")
        before = self.hash(disk)
        code, text = self.reinstall("--apply")
        self.assertEqual(3, code, text)
        self.assertIn(ade.MAPPERS[1], text)
        self.assert_others_are_back(1)
        self.assertEqual(before, self.hash(disk))

    def test_two_devices_with_one_header_are_left_until_one_is_named(self):
        twin = self.add_disk(0, self.frozen["lun1"])
        disk = self.disk(1)
        before = self.hash(twin), self.hash(disk)
        code, text = self.reinstall("--apply")
        self.assertEqual(3, code, text)
        self.assertIn("volume_ambiguous", text)
        self.assertIn(f"--device {ade.MAPPERS[1]}=", text)
        self.assert_others_are_back(1)
        self.assertEqual(before, (self.hash(twin), self.hash(disk)))
        code, text = self.reinstall("--apply", f"--device {ade.MAPPERS[1]}={disk}")
        self.assertIn(code, (0, 3), text)
        self.assert_mounted(*ade.DATA)
        self.assert_database_is_whole()
        self.assertEqual(before[0], self.hash(twin))

    def test_a_volume_group_beside_its_original(self):
        """The original's disk was opened and its group is in use: the copy gets a name of its own, if that was said."""
        twin = self.add_disk(0, self.frozen["lun2"])
        self.guest.run(f"cryptsetup open --disable-locks --key-file {ade.KEYS}/LinuxPassPhraseFileName_1_2 {twin} original"
                       " && udevadm settle && vgchange -q -ay vg && mount /dev/vg/data /media", 120)
        disk = self.disk(2)
        device = f"--device {ade.MAPPERS[2]}={disk}"
        code, text = self.reinstall("--apply", device)
        self.assertEqual(3, code, text)
        self.assertIn("--rename-volume-groups", text)
        self.assert_others_are_back(2)
        code, text = self.reinstall("--apply", device, "--rename-volume-groups")
        self.assertIn(code, (0, 3), text)
        self.assertIn("vg_restored", self.guest.run("vgs --noheadings -o vg_name").text)

    def test_what_fails_for_all_is_taken_back(self):
        self.guest.run("cp -a /etc/crypttab /run/before && chattr +i /etc/crypttab")
        code, text = self.reinstall("--apply")
        self.assertEqual(1, code, text)
        self.assert_mounted()
        self.assertEqual("osencrypt\n", self.guest.run("ls /dev/mapper | grep -v control | grep -v 'vg-'").text, text)
        self.guest.run("cmp /etc/crypttab /run/before; chattr -i /etc/crypttab")

    def test_the_start_tells_of_it_and_the_command_ends_that(self):
        self.guest.run(f"cd {restored.BASE} && bin/stillpoint install; systemctl start stillpoint-restored.service", 60)
        self.assertIn("reinstall", self.guest.run("cat /run/motd.d/*stillpoint*").text)
        self.assertIn("reinstall", self.guest.run("journalctl -b --no-pager -u stillpoint-restored.service").text)
        code, text = self.reinstall("--apply")
        self.assertEqual(0, code, text)
        self.guest.run("systemctl restart stillpoint-restored.service", 60)
        self.assertEqual("", self.guest.run("ls /run/motd.d | grep stillpoint", check=False).text)

    def test_a_root_that_is_mounted_on_another_machine(self):
        """This guest as the repair machine of another copy of the same point; with the document's commands."""
        root, place = self.add_disk(0, self.frozen["root"]), restored.REPAIR_ROOT
        self.guest.run(f"mkdir -p /run/b {place} && mount -o ro {root}2 /run/b && cryptsetup open --disable-locks --header "
                       f"/run/b/luks/osluksheader --key-file {ade.KEYS}/LinuxPassPhraseFileName {root}3 rescue && "
                       f"umount /run/b && mount /dev/mapper/rescue {place} && mount {root}2 {place}/boot", 60)
        before = self.guest.run("cat /etc/crypttab /etc/fstab | sha256sum").text
        look, do = [command for command in restored.documented() if place in command]
        self.assertEqual((f"reinstall --root {place}", f"{look} --apply"), (look, do))
        code, text = self.reinstall(*look.split()[1:])
        self.assertEqual(3, code, text)
        code, text = self.reinstall(*do.split()[1:])
        self.assertIn(code, (0, 3), text)
        mounted = self.guest.run("findmnt -rn -o TARGET --real").text.split()
        self.assertLessEqual({f"{place}{mount}" for mount in ade.DATA}, set(mounted), text)
        self.assertEqual(before, self.guest.run("cat /etc/crypttab /etc/fstab | sha256sum").text)


if __name__ == "__main__":
    restored.main()
