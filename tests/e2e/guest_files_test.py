#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is found in the guest and what it says in its files: sizes, the lock shared with other agents, the configuration
files of the extension before us."""
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import time

import case
import pulse
import request
import rig
import room

LOCK = rig.ETC_AZURE / "MicrosoftRecoverySvcsSafeFreezeLock/SafeFreezeLockFile"
LOCK_LIMIT_S = 5
NOT_SUPPORTED = 509
OTHER_AGENT = """
import fcntl, os, sys, time
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("locked", flush=True)
sys.stdin.read()
"""


class GuestFilesTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front("--host-delay-ms", 300)
        self.configure()

    def backup(self, number=1, settings=None, **variables):
        self.ask_for(number, settings)
        self.assertEqual(0, self.guest.run("enable", number, **variables).code)
        status = self.guest.wait_for_end(number)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        return status

    def put(self, name, text):
        rig.ETC_AZURE.mkdir(exist_ok=True)
        (rig.ETC_AZURE / name).write_text(text, encoding="utf-8")

    def check_success(self, status):
        self.assertEqual((1, "success", 1), (status.code, status.inner["status"], status.consistency), status)

    # Sizes

    def used(self, mounts):
        sizes = [os.statvfs(mount) for mount in mounts]
        return sum((size.f_blocks - size.f_bfree) * size.f_frsize for size in sizes)

    def with_exclusion(self, luns):
        settings = request.public(luns=luns)
        inner = json.loads(request.base64.b64decode(settings["objectStr"]))
        inner["includedDisks"]["isAnyDiskExcluded"] = True
        return {**settings, "objectStr": request.encoded(inner)}

    def check_size(self, status, mounts):
        storage = status.inner["storageDetails"]
        self.assertFalse(storage["isSizeComputationFailed"])
        self.assertAlmostEqual(self.used(mounts), storage["totalUsedSizeInBytes"], delta=1 << 20)

    def test_the_size_is_what_the_disks_of_the_backup_hold(self):
        for index, mount in enumerate(self.mounts):
            pathlib.Path(mount, "filling").write_bytes(os.urandom((4 + 3 * index) << 20))
            os.sync()
        self.check_size(self.backup(1, self.with_exclusion((0, 1, 2))), self.mounts)
        for lun, mount in enumerate(self.mounts):
            with self.subTest(lun=lun):
                self.configure()
                self.check_size(self.backup(2 + lun, self.with_exclusion((lun,))), [mount])
        for mount in self.mounts:
            pathlib.Path(mount, "filling").unlink()

    def test_a_network_filesystem_that_hangs_holds_nothing_up(self):
        """A FUSE filesystem whose server never answers: whoever asks it waits for ever."""
        target = self.folder / "hung share"
        target.mkdir()
        device = os.open("/dev/fuse", os.O_RDWR)
        room.checked(room.LIBC.mount(b"server:/export", str(target).encode(), b"fuse", 0,
                                     f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()), "mount fuse")
        try:
            asked = subprocess.Popen(["stat", "-f", target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            self.assertIsNone(asked.poll(), "it does not hang: this test would prove nothing")
            began = time.monotonic()
            status = self.backup(1, self.with_exclusion((0, 1, 2)))
            self.check_success(status)
            self.check_size(status, self.mounts)
            self.assertLess(time.monotonic() - began, 30)
            self.assertIsNone(asked.poll())
        finally:
            room.LIBC.umount2(str(target).encode(), 2)  # MNT_DETACH
            os.close(device)
            asked.kill()
            asked.wait()

    def test_the_facts_of_the_machine(self):
        status = self.backup(1, _AZURE_GUEST_AGENT_DAEMON_VERSION_="2.7.3.0")
        self.assertEqual("2.7.3.0", status.facts["guestAgentVersion"])
        self.assertEqual("none", status.facts["billingType"])
        self.assertEqual("[]", status.facts["workloads"])
        self.assertNotIn("freezeLock", status.facts)
        self.assertNotIn("pythonVersion", status.facts)
        status = self.backup(2)
        self.assertEqual("Unknown", status.facts["guestAgentVersion"])

    # The lock that is shared with other agents

    def other_agent(self):
        process = subprocess.Popen([sys.executable, "-c", OTHER_AGENT, LOCK], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.assertEqual(b"locked\n", process.stdout.readline())
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        return process

    def is_locked(self):
        try:
            with open(LOCK, "r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def test_others_are_kept_out_while_the_guest_is_held_and_no_longer(self):
        beat = self.start_pulse()
        beat.reset()
        self.ask_for(1)
        self.assertFalse(self.is_locked())
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(lambda: beat.held() and self.is_locked(), "the guest to be held under the lock")
        self.check_success(self.guest.wait_for_end(1))
        self.assertFalse(self.is_locked())

    def test_a_lock_that_is_not_let_go_costs_five_seconds_and_no_backup(self):
        self.other_agent()
        began = time.monotonic()
        status = self.backup()
        self.check_success(status)
        self.assertGreater(time.monotonic() - began, LOCK_LIMIT_S)
        self.assertEqual("not taken", status.facts["freezeLock"])
        self.assertIn(f"another agent holds the lock '{LOCK}'", self.guest.log())
        self.assertTrue(self.is_locked(), "the other's file must not be removed")

    def test_a_lock_that_is_let_go_is_waited_for(self):
        other = self.other_agent()
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        time.sleep(1)
        LOCK.unlink()  # as the others do before they let go
        let_go = pulse.now_ns()
        other.stdin.close()
        status = self.guest.wait_for_end(1)
        self.check_success(status)
        self.assertGreater(self.calls("dosnapshot")[0]["at_ns"], let_go)
        self.assertNotIn("freezeLock", status.facts)

    # Files of the extension before us

    def test_a_database_that_is_not_supported_is_named_and_the_filesystems_held(self):
        self.secrets["a database's password"] = b"hunter2-of-mysql"
        self.put("workload.conf", "[workload]\nworkload_name = mysql\ncredString = -u backup -phunter2-of-mysql\n"
                                  "linux_user = mysql\n")
        status = self.backup()
        self.check_success(status)
        self.assertEqual({"vmHealthState": 128, "vmHealthStatusCode": NOT_SUPPORTED}, status.health)
        self.assertTrue(status.message["messageStr"].startswith(
            "Workload Patch failed with warning message: the database 'mysql'"), status)
        self.assertIn(" StatusCode.FailedWorkloadQuiescingError,", status.message["messageStr"])
        self.assertEqual("FailedWorkloadQuiescingError", status.facts["extErrorCode"])
        for text in (status.text, self.guest.log(), json.dumps(self.guest.events())):
            self.assertNotIn("hunter2", text)

    def check_secrets(self):
        (rig.ETC_AZURE / "workload.conf").unlink(missing_ok=True)  # the administrator's own file
        super().check_secrets()

    def test_the_file_that_the_other_extension_installs_means_no_database(self):
        self.put("workload.conf", "[workload]\n# oracle, mysql\nworkload_name =\ncommand_path =\ntimeout = 90\n")
        status = self.backup()
        self.check_success(status)
        self.assertEqual({"vmHealthState": 0, "vmHealthStatusCode": 1}, status.health)

    def test_the_install_command_promises_no_database(self):
        self.assertEqual(0, self.guest.install().code)
        self.assertFalse((rig.ETC_AZURE / "workload.conf").exists())

    def test_broken_files_are_named_and_the_backup_goes_on(self):
        self.put("vmbackup.conf", "[SnapshotThread]\ntimeout = soon\nno option\nseqsnapshot = 1\n"
                                  "OnAppFailureDoFsFreeze = False\n[Monitor]\nRun = yes\n")
        self.put("workload.conf", "\x00\x01 not a file\n")
        self.check_success(self.backup())
        log = self.guest.log()
        for warning in ("'/etc/azure/vmbackup.conf' line 2, [snapshotthread] timeout = 'soon'", "60 s is used",
                        "'/etc/azure/vmbackup.conf' line 3: it is no 'key = value'",
                        "line 4, [snapshotthread] seqsnapshot = '1': all disks are snapshotted at the same moment",
                        "line 5, [snapshotthread] onappfailuredofsfreeze = 'False': filesystems are always held",
                        "line 7, [monitor] run = 'yes'", "'/etc/azure/workload.conf' line 1"):
            self.assertIn(warning, log)

    def test_a_file_may_be_a_link(self):
        self.put("kept-elsewhere.conf", "[SnapshotThread]\ntimeout = never\n")
        (rig.ETC_AZURE / "vmbackup.conf").symlink_to("kept-elsewhere.conf")
        self.check_success(self.backup())
        self.assertIn("[snapshotthread] timeout = 'never'", self.guest.log())

    def test_mounts_to_skip(self):
        self.put("vmbackup.conf", f"[SnapshotThread]\nMountsToSkip = {self.mounts[1]}\n")
        status = self.backup()
        self.assertEqual((1, "success"), (status.code, status.inner["status"]), status)
        self.assertNotEqual(1, status.consistency, "a point with a filesystem that was not held")
        self.assertIn("MountsToSkip names it", status.message["messageStr"])
        for mount, held in zip(self.mounts, (True, False, True)):
            self.assertEqual(held, f"held filesystem mount='{mount}'" in self.guest.log(), mount)

    def test_no_log_is_written_where_none_is_wanted(self):
        self.put("vmbackup.conf", "[SnapshotThread]\nWriteLog = False\n")
        self.check_success(self.backup())
        self.assertEqual([], [path.name for path in rig.files_below(self.guest.logs)])
        self.assertEqual(b"", self.front.call("GET", "/devstoreaccount1/logs/vm.log?sv=a&sig=b")[2])
        self.assertIn(b'"code": "1"', self.front.call("GET", "/devstoreaccount1/status/vm.status?sv=a&sig=b")[2])

    def test_nothing_is_uploaded_where_that_is_not_wanted(self):
        self.put("vmbackup.conf", "[SnapshotThread]\nUploadStatusAndLog = False\ndisable_logging = 1\n")
        self.check_success(self.backup())
        for blob in ("logs/vm.log", "status/vm.status"):
            self.assertEqual(b"", self.front.call("GET", f"/devstoreaccount1/{blob}?sv=a&sig=b")[2])
        self.assertEqual([], self.guest.events())
        self.assertIn("recovery point", self.guest.log())

    def test_a_host_that_wants_to_be_polled_gets_its_backup(self):
        settings = request.public()
        inner = json.loads(request.base64.b64decode(settings["objectStr"]))
        inner["dynamicConfigsFromCRP"] = [{"Key": "EnableVMSnapshotExtensionPolling", "Value": True}]
        self.check_success(self.backup(1, {**settings, "objectStr": request.encoded(inner)}))
        self.assertIn("not polling the host for requests of its own", self.guest.log())

    def test_the_log_of_the_other_extension_becomes_private(self):
        log = self.guest.logs / "extension.log"
        log.write_text("old line\n", encoding="utf-8")
        log.chmod(0o644)
        self.check_success(self.backup())
        self.assertEqual(0o600, log.stat().st_mode & 0o777)
        self.assertTrue(log.read_text(encoding="utf-8").startswith("old line\n"))


if __name__ == "__main__":
    case.run_tests()
