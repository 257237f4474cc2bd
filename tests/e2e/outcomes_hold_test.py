#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds that cannot be had, or do not last: what stands in the way is real in each of these, and what is not ours to
let go stays as it was.

121 has one cause here, somebody else's freeze. A freeze that the kernel refuses with an error of the disk needs
device-mapper (tests/lab/devices_test.py). 122 needs a freeze that hangs: a filesystem whose file lies on one that
somebody else has frozen.
"""
import contextlib
import fcntl
import os
import pathlib

import case
import mounts
import outcome
import request
import rig
import room
import scratch
from outcome import Cause

BUSY, SLOW, UNOPENED = ("StatusCode.FailedRetryableFsFreezeFailed", "StatusCode.FailedRetryableFsFreezeTimeout",
                        "StatusCode.FailedRetryableUnableToOpenMount")
NOT_ALLOWED = "no crash-consistent point instead: the request does not allow"
LOCK = rig.ETC_AZURE / "MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile"


class HoldTest(outcome.OutcomeTest):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()

    def check_refused(self, status, code, *says, taken=None):
        self.check_end(status, Cause("", (), code, taken=taken, says=(*says, NOT_ALLOWED)))
        self.assertEqual([], self.calls_now("dosnapshot") + self.snapshot_calls())

    def check_lesser(self, status, health, *says):
        """A crash-consistent point, labelled with its reason."""
        self.check_success(status, outcome.CRASH, health)
        self.assertEqual("crashConsistent", status.facts["consistencyType"])
        for text in ("consistency=crashConsistent", "reason=", *says):
            self.assertIn(text, status.message["messageStr"])

    def backup(self, public, *rules, blobs=(), sealed=None, leaves=()):
        """`leaves`: frozen by others, before, during and after it."""
        self.leaves = leaves
        return super().backup(public, *rules, blobs=blobs, sealed=sealed)

    def check_nothing_is_left(self, frozen=()):
        super().check_nothing_is_left(frozen or getattr(self, "leaves", ()))


class FrozenByOthersTest(HoldTest):
    @contextlib.contextmanager
    def frozen_by_others(self):
        with outcome.frozen(self.mounts[0]):
            yield
            # held() finds out by itself whether it still was.
            self.assertTrue(scratch.thaw(self.mounts[0]), "the other one's freeze was taken away")
        self.leaves = ()

    def test_no_backup_by_the_host(self):
        with self.frozen_by_others():
            status = self.backup(request.public(), leaves=self.mounts[:1])
            self.check_refused(status, 121, f"'{self.mounts[0]}'", "somebody else", BUSY)

    def test_no_backup_by_the_guest_and_not_a_word_of_the_network(self):
        with self.frozen_by_others():
            status = self.backup(request.public("firstHostThenGuest"), {"path": "presnapshot", "status": 404},
                                 blobs=self.blobs(), leaves=self.mounts[:1])
            self.check_refused(status, 121, f"'{self.mounts[0]}'", BUSY)

    def test_a_lesser_one_where_that_is_allowed(self):
        with self.frozen_by_others():
            status = self.backup(request.public(fallback=True), leaves=self.mounts[:1])
            self.check_lesser(status, 121, f"'{self.mounts[0]}'", "somebody else")
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])


class StuckTest(HoldTest):
    """The limit is 2 s, so a rehearsal may take half a second."""

    @contextlib.contextmanager
    def upper(self):
        with mounts.ext4_on(self.mounts[0], self.folder / "upper") as upper:
            only = [upper["superblock"]] + [disk["superblock"] for disk in self.disks[1:]]
            self.guest.configure(self.disks, {disk["device"]: lun for lun, disk in enumerate(self.disks)},
                                 host_port=self.front.address[1], only=only, limit_s=2)
            yield upper["mount"]

    def run_on_a_stuck_one(self, public):
        with self.upper() as upper, self.start_pulse_on(self.mounts[1:]) as beat:
            with outcome.frozen(self.mounts[0]):
                self.break_things()
                self.started_at = self.front_lines()
                self.ask_for(1, public)
                status = self.guest.backup(1)
                self.assertEqual([], beat.held())
            # The kernel comes back now, and the guard lets go of what froze so late.
            self.check_nothing_is_left()
        return status, upper, beat

    def start_pulse_on(self, points):
        return case.pulse.Pulse(case.Context.stall_writer, points)

    def test_a_freeze_that_hangs(self):
        status, upper, _ = self.run_on_a_stuck_one(request.public())
        self.check_refused(status, 122, f"'{upper}'", SLOW)

    def test_a_freeze_that_hangs_and_a_lesser_point_is_allowed(self):
        status, upper, _ = self.run_on_a_stuck_one(request.public(fallback=True))
        self.check_lesser(status, 122, f"'{upper}'", "took too long to freeze")

    def test_a_thaw_that_hangs_is_named_and_outranks_the_rest(self):
        with self.upper() as upper, self.start_pulse_on(self.mounts[1:]) as beat:
            self.break_things({"path": "dosnapshot", "delay_ms": 1000})
            self.ask_for(1, request.public(fallback=True))
            self.assertEqual(0, self.guest.run("enable", 1).code)
            beat.wait_until_all_held(20)
            with outcome.frozen(self.mounts[0]):
                status = self.guest.wait_for_end(1)
                self.assertEqual([], beat.held(), "the others waited for the one that is stuck")
            self.check_nothing_is_left()
        self.check_end(status, Cause("", (), 2, taken=["true"] * 3, says=(f"'{upper}' could not be let go yet",)))


class ChangedMountTest(HoldTest):
    """What is mounted changes between the plan and the freeze, while the lock shared with others is waited for."""

    @contextlib.contextmanager
    def changed(self, change, undo):
        self.started_at = self.front_lines()
        LOCK.parent.mkdir()
        with open(LOCK, "wb") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            self.assertEqual(0, self.guest.run("enable", 1).code)
            # The passport is written as soon as the plan is made, and then the lock is asked for.
            case.trial.wait_until((rig.STATE / "passport.json").exists, "the plan")
            change()
        try:
            yield
        finally:
            undo()

    def mount_over(self):
        return self.changed(lambda: room.mount("tmpfs", self.mounts[0]), lambda: mounts.run("umount", self.mounts[0]))

    def moved_away(self):
        away = pathlib.Path(self.mounts[0]).parent
        return self.changed(lambda: os.rename(away, f"{away}.away"), lambda: os.rename(f"{away}.away", away))

    def test_another_filesystem_is_mounted_there(self):
        self.ask_for(1)
        with self.mount_over():
            status = self.guest.wait_for_end(1)
        self.check_refused(status, 123, f"'{self.mounts[0]}'", UNOPENED)

    def test_it_is_not_there_any_more(self):
        self.ask_for(1)
        with self.moved_away():
            status = self.guest.wait_for_end(1)
        self.check_refused(status, 123, f"'{self.mounts[0]}'", "No such file or directory", UNOPENED)

    def test_a_lesser_point_where_that_is_allowed(self):
        self.ask_for(1, request.public(fallback=True))
        with self.mount_over():
            status = self.guest.wait_for_end(1)
        self.check_lesser(status, 123, f"'{self.mounts[0]}'", "another filesystem is mounted there now")


class GuardTest(HoldTest):
    def guard(self):
        return self.guest.base / "bin/stillpoint-guard"

    def test_it_is_missing(self):
        self.guard().unlink()
        status = self.backup(request.public())
        self.check_refused(status, 124, "stillpoint-guard", "StatusCode.FailedSafeFreezeBinaryNotFound")

    def test_it_is_no_program(self):
        self.guard().unlink()
        self.guard().write_text("nothing that runs", encoding="ascii")
        self.guard().chmod(0o700)
        self.check_refused(self.backup(request.public()), 124, "stillpoint-guard")

    def test_there_is_no_place_for_its_ledger(self):
        with mounts.read_only("/run"), mounts.read_only("/dev/shm"):
            status = self.backup(request.public())
        self.check_refused(status, 124, "ledger")

    def test_it_is_missing_and_a_lesser_point_is_allowed(self):
        self.guard().unlink()
        self.check_lesser(self.backup(request.public(fallback=True)), 124, "nothing was held")


class BrokenHoldTest(HoldTest):
    def let_go_early(self, fallback):
        beat = self.start_pulse()
        self.break_things({"path": "dosnapshot", "delay_ms": 1200})
        self.ask_for(1, request.public(fallback=fallback))
        self.assertEqual(0, self.guest.run("enable", 1).code)
        beat.wait_until_all_held(20)
        self.assertTrue(scratch.thaw(self.mounts[1]))
        return self.guest.wait_for_end(1)

    def test_somebody_lets_go_early(self):
        status = self.let_go_early(fallback=False)
        self.check_end(status, Cause("", (), 2, taken=["true"] * 3,
                                     says=(f"'{self.mounts[1]}' did not stay frozen", NOT_ALLOWED)))

    def test_somebody_lets_go_early_and_a_lesser_point_is_allowed(self):
        self.check_lesser(self.let_go_early(fallback=True), 2, f"'{self.mounts[1]}'", "let go early")


if __name__ == "__main__":
    case.run_tests()
