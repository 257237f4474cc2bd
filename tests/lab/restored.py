# SPDX-License-Identifier: Apache-2.0
"""A machine made from a restored recovery point: a guest with Azure Disk Encryption's layout is backed up under load
by the extension as it is packaged, its disks are snapshotted while everything is held, and a second guest is booted
from them, whose firmware has another UUID and whose data disks have other LUNs."""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import ade
import held
import lab

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import request  # noqa: E402

NAME = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
BASE = f"/var/lib/waagent/{NAME}-1.0.0.1"
LOGS = f"/var/log/azure/{NAME}"
STILLPOINT = f"{BASE}/bin/stillpoint"
UUID = "7a1c0de0-0002-4000-8000-00000000a5e1"
MOVED = {lun: lun + 4 for lun in ade.DISKS}  # what was LUN 0 is LUN 4 now
SPARE = 10  # the first LUN for disks that are added to a running guest
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/encrypted-vms.md"
HEADER_BYTES = 16 << 20  # of LUKS2, both copies and the keyslots
REPAIR_ROOT = "/mnt/restored"  # as the document has it
FILE_SYSTEM = (1, 1)  # code and consistency of a file-system consistent point
UNTIL = "timeout 90 sh -c 'until {condition}; do sleep 0.1; done'"
# Rows and their sum change together, one transaction after the other.
DATABASE = f"{ade.DATA[1]}/accounts.db"
MAKE_DATABASE = f"""sqlite3 {DATABASE} 'PRAGMA journal_mode=WAL; CREATE TABLE rows(n INTEGER);
    CREATE TABLE total(sum INTEGER, rows INTEGER); INSERT INTO total VALUES (0, 0);' >/dev/null"""
WORK_ON_DATABASE = f"""setsid sh -c 'n=0; while [ -e /run/load ]; do n=$((n + 1))
    sqlite3 {DATABASE} "PRAGMA busy_timeout=5000; BEGIN; INSERT INTO rows VALUES ($n);
        UPDATE total SET sum = sum + $n, rows = rows + 1; COMMIT;"
    echo $n >/run/committed
    sleep 0.1 # the one emulated processor is for the others too
done' >/dev/null 2>&1 &"""
ASK_DATABASE = f"""sqlite3 {DATABASE} 'PRAGMA integrity_check;
    SELECT (SELECT sum FROM total) = (SELECT sum(n) FROM rows), (SELECT rows FROM total) = (SELECT count(*) FROM rows),
        (SELECT count(*) FROM rows)'"""


class Extension:
    """The extension in a guest, called as the VM agent calls it."""

    def __init__(self, guest):
        self.guest = guest

    def put(self, package):
        """All that the zip holds."""
        environment = [{"name": NAME, "version": 1.0, "handlerEnvironment": {
            "logFolder": LOGS, "configFolder": f"{BASE}/config", "statusFolder": f"{BASE}/status",
            "heartbeatFile": f"{BASE}/heartbeat.log", "eventsFolder": f"{LOGS}/events"}}]
        self.guest.run(f"mkdir -p {BASE}/bin {BASE}/config {BASE}/status {LOGS}/events /etc/stillpoint")
        for name in ("HandlerManifest.json", "manifest.xml", "bin/stillpoint", "bin/stillpoint-guard"):
            self.guest.put(package / name, f"{BASE}/{name}", 0o755 if name.startswith("bin") else 0o644)
        self.write(f"{BASE}/HandlerEnvironment.json", json.dumps(environment))
        self.guest.run(f"cd {BASE} && bin/stillpoint install", 120)

    def write(self, path, text):
        self.guest.run(f"cat > '{path}'", data=text.encode())

    def configure(self, luns):
        """Where the disks have their places: an emulated machine is not Azure's."""
        places = ["vda = -1", "vdb = local"]
        for lun in luns:
            name = self.guest.run(f"basename $(readlink -f /dev/disk/azure/scsi1/lun{lun})").text.strip()
            places.append(f"{name} = {lun}")
        self.write("/etc/stillpoint/stillpoint.conf",
                   "[disks]\n" + "\n".join(places) + "\n[host]\nendpoint = http://127.0.0.1:8080\n")

    def start_host(self, disks):
        self.guest.run("mkdir -p /run/host; rm -f /run/host/answer /run/host/asked")
        self.guest.put(pathlib.Path(__file__).resolve().parent / "host.pl", "/run/host.pl")
        self.guest.run(f"setsid perl /run/host.pl {disks} </dev/null >/run/host.log 2>&1 &")

    def begin(self, sequence, luns):
        settings = request.public(luns=luns)
        inner = {"includedDisks": {"dataDiskLunList": list(luns), "isOSDiskIncluded": True,
                                   "isAnyDiskExcluded": False, "isAnyWADiskIncluded": False,
                                   "isVmgsBlobIncluded": False, "isVmmdBlobIncluded": False,
                                   "isAnyDirectDriveDiskIncluded": False, "isVMADEEnabled": True},
                 "backupMetadata": request.METADATA, "snapshotTaskToken": request.TASK_TOKEN}
        settings["objectStr"] = request.encoded(inner)
        self.write(f"{BASE}/config/{sequence}.settings", request.settings_file(settings))
        self.guest.run(f"cd {BASE} && ConfigSequenceNumber={sequence} bin/stillpoint enable")
        self.guest.run(UNTIL.format(condition="grep -q dosnapshot /run/host/asked"), 120)

    def end(self, sequence):
        """(code, snapshotConsistency) of the status."""
        self.guest.run("touch /run/host/answer")
        self.guest.run(UNTIL.format(condition="! pidof stillpoint >/dev/null"), 120)
        text = self.guest.run(f"cat {BASE}/status/{sequence}.status").text
        inner = json.loads(json.loads(text)[0]["status"]["substatus"][0]["name"])[0]["status"]
        return int(inner["code"]), json.loads(inner["formattedMessage"]["message"])["snapshotConsistency"]


def documented():
    """Every command of the document, in its order, without the program's name."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return [line or inline for line, inline in re.findall(r"^ {4,}stillpoint (.+)$|`stillpoint ([a-z][^`]*)`", text, re.M)]


def start_load(guest):
    guest.run(f"touch /run/load; {MAKE_DATABASE}")
    guest.run(WORK_ON_DATABASE)
    for number, mount in enumerate((*ade.DATA, "/root")):
        guest.run(f"setsid scratch_writer {mount} >/run/load.{number} 2>&1 & echo $! >>/run/load.pids")
    guest.run("sleep 2")


class RestoredTest(unittest.TestCase):
    """Each class takes one point, with the load still running, and boots one guest from it; each test has a copy of
    that guest as it was after its start."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sp-restore-")))
        cls.base, _ = ade.built()
        source, after, unheld = (cls.folder / name for name in ("source", "after", "unheld"))
        for one in (source, after, unheld):
            one.mkdir()
        with ade.saved_guest(source) as guest:
            extension = Extension(guest)
            extension.put(held.LabTest.binaries.parent)
            extension.configure(ade.DISKS)
            extension.start_host(1 + len(ade.DISKS))
            # The restored machine will wait for disks that have other names now.
            guest.run(f"sed -i s/300s/45s/ {ade.DEVICE_TIMEOUT}")
            cls.keys = {name: guest.run(f"cat {ade.KEYS}/{name}").text.encode()
                        for name in guest.run(f"ls {ade.KEYS}").text.split()}
            start_load(guest)
            extension.begin(1, tuple(ade.DISKS))
            cls.frozen = guest.snapshot(after)
            cls.committed = int(guest.run("cat /run/committed").text)
            cls.status = extension.end(1)
            cls.log = guest.run(f"cat {LOGS}/extension.log").text
            # The negative control: nobody holds anything now.
            guest.run("sleep 2")
            cls.unheld = guest.snapshot(unheld)
            guest.stop()
        cls.boot(source)

    @classmethod
    def boot(cls, source):
        restored = cls.folder / "restored"
        restored.mkdir()
        cls.images = ade.Images(restored)
        lab.new_disk(cls.images.root, backing=cls.frozen["root"])
        lab.new_disk(cls.images.keys, backing=source / "keys.qcow2")
        for lun, image in cls.images.disks.items():
            lab.new_disk(image, backing=cls.frozen[f"lun{lun}"])
        with lab.Guest(cls.base, restored, cls.images.root, cls.moved(cls.images), keys=cls.images.keys,
                       uuid=UUID) as guest:
            guest.run("systemctl is-system-running --wait", lab.BOOT_LIMIT_S, check=False)
            guest.run("sync")
            guest.save(cls.folder / "state")

    @staticmethod
    def moved(images):
        return {MOVED[lun]: image for lun, image in images.disks.items()}

    def setUp(self):
        self.place = self.folder / "test"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        images = self.images.overlays(self.place)
        self.guest = self.enterContext(lab.Guest(self.base, self.place, images.root, self.moved(images),
                                                 state=self.folder / "state", keys=images.keys, uuid=UUID))

    def disk(self, lun):
        """The device of what was this LUN before the restore."""
        return self.guest.run(f"readlink -f /dev/disk/azure/scsi1/lun{MOVED[lun]}").text.strip()

    def add_disk(self, number, backing):
        """One more disk in the running guest, an overlay of an image; its device."""
        lun = SPARE + number
        image = lab.new_disk(self.place / f"added{number}.qcow2", backing=backing)
        self.guest.monitor.call("blockdev-add", **{
            "node-name": f"added{number}", "driver": "qcow2", "file": {"driver": "file", "filename": str(image)}})
        self.guest.monitor.call("device_add", driver="scsi-hd", bus="data.0", channel=0, **{
            "scsi-id": 0, "lun": lun, "drive": f"added{number}", "serial": f"added{number}", "vendor": "Msft",
            "product": "Virtual Disk"})
        found = f"ls /sys/bus/scsi/devices/*:0:0:{lun}/block"
        self.guest.run(UNTIL.format(condition=f"{found} >/dev/null 2>&1") + " && udevadm settle")
        return "/dev/" + self.guest.run(found).text.strip()

    def reinstall(self, *options, limit_s=180):
        """(exit code, what it says), the latter without any key in it."""
        answer = self.guest.run(f"{STILLPOINT} reinstall {' '.join(options)} 2>&1", limit_s, check=False)
        self.assert_no_key(answer.text)
        return answer.status, answer.text

    def assert_no_key(self, text):
        for name, key in self.keys.items():
            self.assertNotIn(key.decode(), text, name)

    def assert_mounted(self, *mounts):
        found = self.guest.run("findmnt -rn -o TARGET --real", check=False).text.split()
        self.assertEqual(list(mounts), [mount for mount in ade.DATA if mount in found])

    def assert_others_are_back(self, *without):
        self.assert_mounted(*(mount for number, mount in enumerate(ade.DATA) if number not in without))

    def damage(self, device, *offsets):
        for offset in offsets:
            self.guest.run(f"printf 'damaged' | dd of={device} bs=1 seek={offset} conv=notrunc status=none; sync")

    def assert_database_is_whole(self):
        whole, sums = self.guest.run(ASK_DATABASE).text.split("\n")[:2]
        right_sum, right_count, rows = map(int, sums.split("|"))
        self.assertEqual(("ok", 1, 1), (whole, right_sum, right_count))
        self.assertGreaterEqual(rows, 1)
        # What was committed before the hold is there; of what came after, at the most what was under way.
        self.assertIn(rows, (self.committed, self.committed + 1))

    def hash(self, device):
        return self.guest.run(f"sha256sum {device}", 120).text.split()[0]

    def hash_of_header(self, device):
        return self.guest.run(f"head -c {HEADER_BYTES} {device} | sha256sum").text.split()[0]


def main():
    held.main()
