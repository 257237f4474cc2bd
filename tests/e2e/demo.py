#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's acts, in order. ../../demo builds what this needs and starts it; only scratch filesystems are frozen."""
import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import statistics
import sys
import time

import room  # first: it makes the others findable
import azurite
import blob_client
import pulse
import request
import rig
import sas
import trial

FILESYSTEMS = ("ext4", "xfs", "btrfs")
LOAD_S = 1.5
HELD_FOR_S = 3
OVERHEAD_GOAL_MS = 3
BEGAN = time.monotonic()


def say(text=""):
    print(text, flush=True)


def act(text):
    say(f"\n[{time.monotonic() - BEGAN:5.1f} s] {text}")


def milliseconds(timedelta_text):
    """Of the telemetry's "0:00:01.001091"."""
    hours, minutes, seconds = timedelta_text.split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000


class AzuriteStore:
    """Snapshots go to Azurite and are read back from it."""

    name = "Azurite, a blob store with Azure's own interface"

    def __init__(self, stack, place):
        self._port = stack.enter_context(azurite.store())
        self._client = blob_client.BlobClient(self._port)
        self._folder = place.work
        self.front_arguments = ("--azurite", self._port)

    def create_block_blob(self, blob):
        self._client.create_container(blob.split("/")[0])
        self._client.create_block_blob(blob)

    @staticmethod
    def sas(blob):
        return sas.blob_sas(blob)

    def read_back(self, blob, moment):
        image = self._folder / f"{blob.replace('/', '_')}@{moment}.img"
        self._client.read_to_file(blob, image, moment)
        return image


class ImageStore:
    """Where Azurite cannot be installed: snapshots are files."""

    name = "image files (Azurite is not installed)"

    def __init__(self, _stack, place):
        self._folder = place.work / "images"
        self.front_arguments = ("--images", self._folder)

    def create_block_blob(self, blob):
        """Made by the front at the first upload."""

    @staticmethod
    def sas(blob):
        return sas.blob_sas(blob)

    def read_back(self, blob, moment):
        return self._folder / f"{blob.replace('/', '_')}@{moment}.img"


class Demo:
    def __init__(self, given, place, stack):
        self._given, self._place, self._stack = given, place, stack
        self._number = 0
        self._failures = []

    def prepare(self):
        act(f"Making {len(self._place.disks)} scratch filesystems, a blob store and an extension folder")
        for disk in self._place.disks:
            say(f"    {disk['fs']:6} on {disk['device']}, mounted at {disk['mount']}")
        self.store = (ImageStore if self._given.images else AzuriteStore)(self._stack, self._place)
        self._faults = self._place.work / "faults.json"
        named = [f"--disk={lun}:disks/{disk['fs']}={disk['device']}" for lun, disk in enumerate(self._place.disks)]
        self.front = self._stack.enter_context(trial.front(*self.store.front_arguments, "--faults", self._faults,
                                                           *named))
        self._base = f"http://127.0.0.1:{self.front.address[1]}/{sas.ACCOUNT}"
        self._blobs = [f"disks/{disk['fs']}" for disk in self._place.disks]
        for blob in ("status/vm.status", "logs/vm.log"):
            self.store.create_block_blob(blob)
        self.guest = rig.Rig(self._place.work, self._given.programs)
        self.guest.configure(self._place.disks, {disk["device"]: lun for lun, disk in enumerate(self._place.disks)},
                             host_port=self.front.address[1])
        installed = self.guest.install()
        if installed.code != 0:
            raise RuntimeError(f"install left with {installed.code}: {installed.output}")
        say(f"    store: {self.store.name}")
        say("    settings: sealed with AES-256 for the guest's certificate, with a signature for every blob")

    def new_settings(self):
        self._number += 1
        signed = [f"{self._base}/{blob}?{self.store.sas(blob)}" for blob in
                  (*self._blobs, "status/vm.status", "logs/vm.log")]
        self.guest.write_settings(self._number, request.public("onlyGuest", luns=()),
                                  request.protected(signed[:-2], *signed[-2:]))
        return self._number

    def back_up(self):
        """One backup under load: its status and the longest stalled write in ms."""
        number = self.new_settings()
        self.front.call("POST", "/_front/prime")
        with pulse.Pulse(self._given.stall_writer, self._place.mounts) as beat:
            beat.reset()
            status = self.guest.backup(number)
            return status, beat.longest_ms()

    def run(self):
        self.prepare()
        with trial.writer(self._given.writer, self._place.mounts):
            time.sleep(LOAD_S)  # some load, so that there is something to be inconsistent about
            held = self.with_stillpoint()
            plain = self.without()
        act("Reading both back from the store, and judging them without replaying any journal")
        self.judge("with Stillpoint", held, expect_clean=True)
        self.judge("without", plain, expect_clean=False)
        for kind in ("worker", "guard"):
            self.kill(kind)
        if self._given.rounds:
            self.rounds()
        say()
        for failure in self._failures:
            say(f"FAILED: {failure}")
        if not self._failures:
            say("All of it as it should be. Everything the demo made is removed now.")
        return 1 if self._failures else 0

    def expect(self, condition, what):
        if not condition:
            self._failures.append(what)

    def with_stillpoint(self):
        """[(blob, moment)] of the snapshots taken at the still point."""
        act("A backup, as the VM agent starts it: `bin/stillpoint enable`, with a writer on every disk")
        status, stalled = self.back_up()
        if status.code != 1:
            raise RuntimeError(f"the backup failed: {status}\n{self.guest.log()}")
        for mount, held_us in re.findall(r"held filesystem mount='([^']+)' held_us='(\d+)'", self.guest.log()):
            say(f"    {pathlib.Path(mount).name:8} held for {int(held_us) / 1000:.1f} ms")
        held, calls = milliseconds(status.facts["heldTime"]), milliseconds(status.facts["snapshotTimeTaken"])
        say(f"    held window {held:.1f} ms; {calls:.1f} ms of it were the snapshot calls, in which this store copies what")
        say("    changed on the disks, as a real one need not")
        say(f"    beyond these calls: {held - calls:.1f} ms")
        say(f"    longest stalled write: {stalled:.1f} ms")
        say(f"    recovery point: {status.facts['consistencyType']} (snapshotConsistency {status.consistency})")
        if status.consistency == 1:
            say("    why: every filesystem was frozen by us from before the first request until after the last reply,")
            say("    and no sector of any disk was written meanwhile, by anybody")
        say("    no more, because: " + status.message["messageStr"].partition("reason=")[2].rstrip(", "))
        self.expect(status.consistency == 1, "the recovery point is not file-system consistent")
        return [(blob, disk["snapshotUri"].partition("?snapshot=")[2])
                for blob, disk in zip(self._blobs, status.disks)]

    def without(self):
        """The same snapshots of the same disks under the same load, but nobody holds still."""
        act("The same snapshots without a freeze")
        def snapshot(blob):
            status, headers, body = self.front.call("PUT", f"/{sas.ACCOUNT}/{blob}?{self.store.sas(blob)}&comp=snapshot")
            if status != 201:
                raise RuntimeError(f"{blob}: {status} {body}")
            return blob, headers["x-ms-snapshot"]
        taken = trial.in_parallel(snapshot, self._blobs)
        say(f"    taken: {len(taken)}")
        return taken

    def judge(self, name, taken, expect_clean):
        images = trial.in_parallel(lambda pair: self.store.read_back(*pair), taken)
        code, results, summary = trial.judge(*images)
        for disk, result in zip(self._place.disks, results):
            say(f"    {name:16} {disk['fs']:6} {'clean' if result['clean'] else 'DIRTY: ' + result['reasons'][0][:70]}")
        for reason in summary.get("reasons", []):
            say(f"    {name:16} together: {reason}")
        self.expect(code == (0 if expect_clean else 1), f"the images taken {name} are judged {summary}")
        for image in images:
            image.unlink()

    def kill(self, kind):
        act(f"Another backup; in the middle of the hold the {kind} gets SIGKILL")
        number = self.new_settings()
        self.set_faults({"path": "", "comp": "snapshot", "delay_ms": HELD_FOR_S * 1000})
        with pulse.Pulse(self._given.stall_writer, self._place.mounts) as beat:
            self.guest.run("enable", number)
            beat.wait_until_all_held(30)
            pids = rig.ours(kind)
            moment = pulse.now_ns()
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            took = beat.wait_until_all_write(moment, 25)
        say(f"    every disk wrote again after {took:.1f} ms")
        self.expect(len(pids) == 1 and took < 1000, f"after the {kind}'s death it took {took:.1f} ms")
        self.set_faults()
        trial.wait_until(lambda: not rig.ours(), "our processes to end", 30)
        if self.guest.status(number).inner["code"] == rig.TRANSITION:
            self.guest.run("enable", number)  # as the VM agent does at its next start
        status = self.guest.wait_for_end(number)
        say(f"    and what is reported: {status.inner['status']} {status.code}: "
            f"{status.message['messageStr'].partition(' StatusCode.')[0]}")
        self.expect(status.consistency == 0, f"after the {kind}'s death a level is claimed")

    def set_faults(self, *rules):
        draft = self._faults.with_suffix(".new")
        draft.write_text(json.dumps(list(rules)), encoding="utf-8")
        draft.rename(self._faults)

    def rounds(self):
        act(f"{self._given.rounds} backups in a row, each with a light writer on every disk")
        over, stalls, levels = [], [], []
        for _ in range(self._given.rounds):
            status, stalled = self.back_up()
            over.append(milliseconds(status.facts["heldTime"]) - milliseconds(status.facts["snapshotTimeTaken"]))
            stalls.append(stalled - milliseconds(status.facts["snapshotTimeTaken"]))
            levels.append(status.consistency)
            trial.wait_until(lambda: not rig.ours(), "the worker to end", 30)
        say(f"    held window beyond the snapshot calls' own time: median {statistics.median(over):.2f} ms, "
            f"max {max(over):.2f} ms (goal {OVERHEAD_GOAL_MS} ms)")
        say(f"    longest stalled write beyond it: median {statistics.median(stalls):.2f} ms")
        say(f"    file-system consistent: {levels.count(1)} of {len(levels)}")
        self.expect(statistics.median(over) <= OVERHEAD_GOAL_MS, "the held window is above the goal")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True, metavar="BIN_FOLDER")
    parser.add_argument("--writer", type=pathlib.Path, required=True)
    parser.add_argument("--stall-writer", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--images", action="store_true", help="no Azurite")
    given = parser.parse_args()
    trial.skip_unless(root=True, tools=("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "openssl"))

    def in_the_room(place):
        with contextlib.ExitStack() as stack:
            return Demo(given, place, stack).run()

    code = room.run(in_the_room, FILESYSTEMS, on_signal=lambda: say("\ndemo: stopping; everything is removed"))
    say(f"\ndemo: {'done' if code == 0 else f'left with {code}'} after {time.monotonic() - BEGAN:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
