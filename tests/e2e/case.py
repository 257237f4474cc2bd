# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share. Each test gets a fresh guest; each ends with the same questions: is anything
frozen, does a process of ours still run, is a secret written anywhere?

    X_test.py BIN_FOLDER SCRATCH_WRITER STALL_WRITER     as root
"""
import contextlib
import json
import os
import pathlib
import shutil
import sys
import time
import unittest

import room  # first: it makes the others findable
import pulse
import request
import residue
import rig
import scratch
import trial

TOOLS = ("openssl", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
LEFT_LIMIT_S = 15


class Context:
    """Set once for each process."""
    place = None
    programs = writer = stall_writer = certificates = None


class EndToEnd(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Context.place.work / self._testMethodName
        self.folder.mkdir()
        for fixed in (rig.ETC_AZURE, rig.ETC_OWN, rig.STATE, pathlib.Path("/run/stillpoint")):
            shutil.rmtree(fixed, ignore_errors=True)
        self.disks = Context.place.disks
        self.mounts = Context.place.mounts
        self.faults = self.folder / "faults.json"
        self.rules = []  # all that it ever said; a test whose point is that none fits clears it
        self.guest = rig.Rig(self.folder, Context.programs, certificate_from=Context.certificates)
        self.secrets = residue.secrets_of(self.guest)
        self.expected_secrets = ()  # (path suffix, secret) that the contract wants there
        self.addCleanup(self._remove)

    def tearDown(self):
        self.check_nothing_is_left()
        if self.rules and not has_failed(self):
            self.check_all_faults_came()

    def _remove(self):
        if has_failed(self):
            print(f"\n--- log of {self._testMethodName}:\n{self.guest.log()[-6000:]}", file=sys.stderr)
        for mount in self.mounts:
            scratch.thaw(mount)
        shutil.rmtree(self.folder, ignore_errors=True)

    # The three questions

    def check_nothing_is_left(self, frozen=()):
        limit = time.monotonic() + LEFT_LIMIT_S
        while (left := rig.ours()) and time.monotonic() < limit:
            time.sleep(0.02)
        self.assertEqual([], [rig.processes().get(pid) for pid in left], "processes are left")
        self.assertEqual(list(frozen), [mount for mount in self.mounts if mount not in frozen and scratch.thaw(mount)]
                         + list(frozen), "filesystems are left frozen")
        self.check_secrets()

    def check_secrets(self):
        found = residue.secrets_in(self.secrets, self.folder)
        unexpected = [one for one in found if not any(one[0].endswith(suffix) and one[1] == secret
                                                      for suffix, secret in self.expected_secrets)]
        self.assertEqual([], unexpected, "secrets are written")

    def check_all_faults_came(self):
        """A rule that fits no request makes its test one of something else."""
        def waited_for():
            came = [line["fault"].items() for line in self.front.lines if "fault" in line]
            return [rule for rule in self.rules if not any(rule.items() <= fault for fault in came)]
        limit = time.monotonic() + LEFT_LIMIT_S
        while (left := waited_for()) and time.monotonic() < limit:
            time.sleep(0.02)
        self.assertEqual([], left, "faults never came")

    # A world around the guest

    def start_front(self, *more, images=False):
        """The host and the store: disks/0, disks/1, ... are the scratch disks. Without `images` the snapshots are
        answered for but empty, which takes less time."""
        named = [f"--disk={lun}:disks/{lun}={disk['device']}" for lun, disk in enumerate(self.disks)]
        self.images = self.folder / "images"
        self.front = self.enterContext(trial.front("--images", self.images, "--verbose", "--faults", self.faults,
                                                   *([] if images else ["--no-copy"]), *named, *more))
        self.base = f"http://127.0.0.1:{self.front.address[1]}/devstoreaccount1"
        for blob in ("status/vm.status", "logs/vm.log"):
            self.front.call("PUT", f"/devstoreaccount1/{blob}", b"", {"x-ms-blob-type": "BlockBlob"})
        self.before = len(self.front.lines)
        return self.front

    def configure(self, luns=(0, 1, 2), **more):
        self.guest.configure(self.disks, {self.disks[lun]["device"]: lun for lun in luns},
                             host_port=self.front.address[1], **more)

    def break_things(self, *rules):
        self.rules += [{key: value for key, value in rule.items() if key not in ("body", "headers")} for rule in rules]
        draft = self.faults.with_suffix(".new")
        draft.write_text(json.dumps(list(rules)), encoding="utf-8")
        draft.rename(self.faults)

    def begin_and_wait_until_held(self, host_delay_ms):
        """A backup in the middle of its hold; the pulse that shows it."""
        self.start_front("--host-delay-ms", host_delay_ms)
        self.configure()
        self.ask_for(1)
        beat = self.start_pulse()
        self.assertEqual(0, self.guest.run("enable", 1).code)
        beat.wait_until_all_held(20)
        return beat

    def start_pulse(self):
        return self.enterContext(pulse.Pulse(Context.stall_writer, self.mounts))

    def enterContext(self, manager):
        """As unittest has it since Python 3.11."""
        entered = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return entered

    def blobs(self, count=3):
        return [request.planted_sas(self.base, f"disks/{lun}") for lun in range(count)]

    def protected(self, blobs=()):
        return request.protected(blobs, request.planted_sas(self.base, "status/vm.status"),
                                 request.planted_sas(self.base, "logs/vm.log"))

    def ask_for(self, sequence, public=None, blobs=(), **more):
        self.guest.write_settings(sequence, public or request.public(), self.protected(blobs), **more)

    def calls(self, what=""):
        """Requests that the world received since it stands, whose request line or comp= holds `what`."""
        return [line for line in self.front.lines if "request" in line
                and what in f"{line['request']} {line.get('comp') or ''}"][0:]

    def judge_images(self, count=3):
        images = sorted(self.images.glob("*.img"))
        self.assertEqual(count, len(images), images)
        return trial.judge(*images)


def has_failed(test):
    """In a cleanup: whether something was found so far."""
    result = test._outcome.result
    return any(one is test for one, _ in (*result.errors, *result.failures))


def loaded(test):
    """With a load on every scratch filesystem, so that a snapshot of what is not held is dirty."""
    def with_load(self):
        with trial.writer(Context.writer, self.mounts) as load:
            records = pathlib.Path(self.mounts[-1], "writer/records")
            trial.wait_until(lambda: records.exists() and records.stat().st_size > 3000, "the load to write")
            self.load = load
            test(self)
    with_load.__name__ = test.__name__
    return with_load


def run_tests(filesystems=("ext4", "xfs", "btrfs")):
    trial.skip_unless(root=True, tools=TOOLS)
    Context.programs, Context.writer, Context.stall_writer = (pathlib.Path(name).resolve() for name in sys.argv[1:4])
    words = sys.argv[:1] + sys.argv[4:]

    def in_the_room(place):
        Context.place = place
        Context.certificates = place.work / "certificates"
        Context.certificates.mkdir()
        rig.make_certificate(Context.certificates)
        near = place.work / "build"
        for folder in ("bin", "package"):
            shutil.copytree(Context.programs.parent / folder, near / folder)
        Context.programs = near / "bin"
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it would have to trace processes that nobody waits for
        program = unittest.main(argv=words, verbosity=2, exit=False)
        return 0 if program.result.wasSuccessful() else 1

    code = room.run(in_the_room, filesystems)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.exit(code)
