#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On device-mapper, LVM and FAT: what others hold is left to them, what is stuck is named, what moves is seen.

    devices_test.py FOLDER      with the static executables; as root; boots virtual machines
"""
import contextlib
import json

from held import UNITS, LabTest, main, report

SECOND_HOLDER_ROUNDS = 20
DM = "/data/dm"
STUCK_LIMIT_S = 4
REFUSED_LIMIT_S = 20
# One emulated processor: what is due at once takes its time.
EMULATION_MS = 2000


def filesystem(evidence, mount):
    return next(one for one in evidence["filesystems"] if one["mount_point"] == mount)


class SecondHolder(LabTest):
    def test_what_device_mapper_holds_is_refused_and_left_alone(self):
        for how in ("", "--nolockfs --noflush"):  # the first freezes the filesystem, too
            self.guest.run(f"dmsetup suspend {how} labdm")
            try:
                status, evidence = self.hold(f"--only {DM} /data/ext4 --for 1s", REFUSED_LIMIT_S)
                after = self.probe(0.7, (DM, "/data/ext4"))
            finally:
                self.guest.run("dmsetup resume labdm")

            self.assertEqual((1, False), (status, evidence["held"]))
            one = filesystem(evidence, DM)
            self.assertEqual(("frozen by somebody else", 16), (one["outcome"], one["freeze_errno"]))
            self.assertIsNone(after[DM], "its freeze was taken away")
            self.assertIsNotNone(after["/data/ext4"])

    def test_a_suspend_after_a_rescue_is_not_taken_away(self):
        for _ in range(SECOND_HOLDER_ROUNDS):
            running = self.begin(f"--only {DM} /data/ext4")
            self.guest.run(f"kill -KILL {running.guard}; "
                           "timeout 10 sh -c 'until dmsetup suspend labdm 2>/dev/null; do :; done'")
            try:
                self.end(running)
                self.assert_blocked(DM)
            finally:
                self.guest.run("dmsetup resume labdm")
            self.assert_writable(DM)

    def refreeze(self, victims):
        waited = []
        for _ in range(SECOND_HOLDER_ROUNDS):
            running = self.begin(f"--only {DM} /data/ext4")
            pids = " ".join(str(getattr(running, name)) for name in victims)
            # Stopped first, so that neither can do anything about the death of the other.
            self.guest.run(f"{'kill -STOP ' + pids if len(victims) > 1 else 'true'}; "
                           f"refreeze {DM} 10000 1500 {pids} >/run/refreeze", check=False)
            result = json.loads(self.guest.run("cat /run/refreeze").text)
            self.end(running)
            self.assertTrue(result["kept"], result)
            self.assertGreater(result["refused"], 0)
            waited.append(result["waited_ms"])
            self.assert_nothing_left()
        report(f"another freeze got in after SIGKILL of {victims}", waited)

    def test_a_freeze_begun_as_the_worker_rescues_is_not_taken_away(self):
        self.refreeze(["guard"])

    def test_a_freeze_begun_as_systemd_rescues_is_not_taken_away(self):
        self.refreeze(["worker", "guard"])


class Stuck(LabTest):
    OTHERS = ("/data/ext4", "/data/xfs")
    OPTIONS = f"--only {DM} {' '.join(OTHERS)} --limit {STUCK_LIMIT_S}s --for 1s"
    # A thread of the guard waits in this system call for the slow device, which then stops altogether.
    STOP_IN_CALL = ("timeout 30 sh -c 'until grep -qs \"^{call}\" /proc/$(pidof stillpoint-guard)/task/*/syscall; "
                    "do sleep 0.02; done'; dmsetup suspend --nolockfs --noflush labdm")
    FREEZE = "16 .* 0xc0045877 "  # ioctl, FIFREEZE
    FLUSH = "306 "  # syncfs

    @contextlib.contextmanager
    def slow_writes(self, milliseconds):
        """Every write to the device below /data/dm takes so long."""
        device = self.guest.run("readlink -f /dev/disk/azure/scsi1/lun3").text.strip()
        sectors = self.guest.run(f"blockdev --getsz {device}").text.strip()

        def load(table):
            self.guest.run(f"dmsetup suspend labdm; dmsetup load labdm --table '{table}'; dmsetup resume labdm")

        load(f"0 {sectors} delay {device} 0 0 {device} 0 {milliseconds}")
        try:
            yield
        finally:
            load(f"0 {sectors} linear {device} 0")

    def begin_in_background(self, options):
        self.guest.run(f"""rm -f /run/hold.json
            setsid /opt/stillpoint/bin/stillpoint hold {options} --json >/run/hold.json 2>/run/hold.error &
            echo $! >/run/worker""")

    def await_worker(self, limit_s):
        self.guest.run(f"timeout {limit_s} tail --pid=$(cat /run/worker) -s 0.02 -f /dev/null")
        return json.loads(self.guest.run("cat /run/hold.json").text)

    def test_a_freeze_that_does_not_return(self):
        self.start_writers(*self.OTHERS)
        with self.slow_writes(1200):
            self.begin_in_background(f"{self.OPTIONS} --no-rehearsal")
            self.guest.run(self.STOP_IN_CALL.format(call=self.FREEZE))
            try:
                evidence = self.await_worker(30)
                longest = self.stop_writers(*self.OTHERS)
                others = self.probe(5, self.OTHERS)
                stuck = self.probe(0.7, (DM,))
                units = self.guest.run(f"systemctl list-units --no-legend --plain '{UNITS}'").text
            finally:
                self.guest.run("dmsetup resume labdm")
            self.assert_writable(DM)

        report("others under load waited", longest.values())
        self.assertFalse(evidence["held"])
        self.assertEqual("too slow", filesystem(evidence, DM)["outcome"])
        self.assertIn(f"'{DM}'", evidence["error"]["message"])
        self.assertEqual([DM], evidence["stuck"])
        self.assertLess(max(longest.values()), STUCK_LIMIT_S * 1000 + EMULATION_MS)
        self.assertNotIn(None, others.values())
        self.assertIsNone(stuck[DM])
        self.assertIn("active", units, "the guard waits for the kernel, to thaw what it froze late")

    def test_a_freeze_that_does_not_return_and_a_guard_that_dies_of_it(self):
        with self.slow_writes(1200):
            self.begin_in_background(f"{self.OPTIONS} --no-rehearsal")
            self.guest.run(self.STOP_IN_CALL.format(call=self.FREEZE) + "; kill -KILL $(pidof stillpoint-guard)")
            try:
                self.await_worker(60)
                others = self.probe(5, self.OTHERS)
            finally:
                self.guest.run("dmsetup resume labdm")
            # Nobody of ours may be left who could thaw it but systemd's last net.
            self.assert_writable(DM)
        self.assertNotIn(None, others.values())

    def test_a_flush_that_does_not_return(self):
        self.start_writers(*self.OTHERS)
        with self.slow_writes(1200):
            self.guest.run(f"dd if=/dev/zero of={DM}/dirty bs=1M count=8 2>/dev/null")
            self.begin_in_background(f"{self.OPTIONS} --keep-going")
            self.guest.run(self.STOP_IN_CALL.format(call=self.FLUSH))
            try:
                evidence = self.await_worker(40)
                longest = self.stop_writers(*self.OTHERS)
            finally:
                self.guest.run("dmsetup resume labdm")
            self.assert_writable(DM)

        report("others under load waited", longest.values())
        self.assertEqual("too slow", filesystem(evidence, DM)["outcome"])
        self.assertEqual(["held"] * 2, [filesystem(evidence, mount)["outcome"] for mount in self.OTHERS])
        self.assertLess(max(longest.values()), STUCK_LIMIT_S * 1000 + EMULATION_MS)


class EfiPartition(LabTest):
    def watched(self, evidence):
        return next(one for one in evidence["watched"] if one["mount_point"] == "/data/efi")

    def test_what_cannot_be_frozen_is_proven_still(self):
        status, evidence = self.hold("--only /data/efi /data/ext4 --for 1s")

        self.assert_held(status, evidence)
        self.assertEqual((True, ""), (self.watched(evidence)["still"], self.watched(evidence)["why_not"]))

    def test_what_is_waiting_to_be_written_is_synced_first(self):
        self.guest.run("echo dirty > /data/efi/dirty")
        _, evidence = self.hold("--only /data/efi /data/ext4 --for 500ms")

        self.assertTrue(self.watched(evidence)["still"])

    def test_a_writer_on_it_is_seen(self):
        for sync in ("", "conv=fsync"):
            running = self.begin("--only /data/efi /data/ext4")
            self.guest.run(f"dd if=/dev/zero of=/data/efi/moving bs=4k count=1 {sync}")
            evidence = self.end(running)

            self.assertEqual("vfat", self.watched(evidence)["type"])
            self.assertFalse(self.watched(evidence)["still"], sync)
            self.assertIn("was written to", self.watched(evidence)["why_not"])


class LogicalVolumes(LabTest):
    MOUNTS = ("/data/lv-ext4", "/data/lv-xfs")

    def disk(self, lun):
        return self.guest.run(f"basename $(readlink -f /dev/disk/azure/scsi1/lun{lun})").text.strip()

    def test_striped_volumes_are_held_and_every_part_stands_still(self):
        self.start_writers(*self.MOUNTS)
        status, evidence = self.hold(f"--only {' '.join(self.MOUNTS)} --for 1s")
        self.stop_writers(*self.MOUNTS)

        self.assert_held(status, evidence)
        names = {one["name"] for one in evidence["devices"]}
        self.assertLessEqual({self.disk(4), self.disk(5)}, names)
        self.assertTrue(all(one["after_freeze"]["sectors_written"] > 0 for one in evidence["devices"]), evidence)

    def test_a_write_past_the_filesystems_is_seen(self):
        running = self.begin(f"--only {' '.join(self.MOUNTS)}")
        self.guest.run(f"dd if=/dev/zero of=/dev/{self.disk(5)} bs=4k seek=$((430 * 256)) count=1 "
                       "oflag=direct conv=notrunc")
        evidence = self.end(running)

        moved = {one["name"] for one in evidence["devices"] if not one["stood_still"]}
        self.assertEqual({self.disk(5)}, moved)


if __name__ == "__main__":
    main()
