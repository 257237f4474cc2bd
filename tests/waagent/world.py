# SPDX-License-Identifier: Apache-2.0
"""The world around one guest, in the test's own process: the fabric at 168.63.129.16, the host's snapshot service at
the same address, a blob store, the published extension, and the VM agent in the middle."""
import fcntl
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("fabric", "e2e", "store", "scratch")]
import agent  # noqa: E402
import backing  # noqa: E402
import fabric as fabric_module  # noqa: E402
import faults  # noqa: E402
import front  # noqa: E402
import goal_state  # noqa: E402
import host_service  # noqa: E402
import request  # noqa: E402
import rig  # noqa: E402
import trial  # noqa: E402

HOST, METADATA_SERVICE = "168.63.129.16", "169.254.169.254"
ADDRESSES = (HOST, METADATA_SERVICE)
BASE = f"http://{HOST}"
NAME = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
PROGRAMS, MANIFESTS = ("stillpoint", "stillpoint-guard"), ("HandlerManifest.json", "manifest.xml")


def extension_zip(programs):
    """What ./package makes, of any build's programs; without symbols, which a debug build has many of. Kept near
    them for the next test."""
    manifests = next(found for found in (programs.parent / "package", programs.parent)
                     if (found / "HandlerManifest.json").exists())
    kept = programs.parent / "under_test.zip"
    sources = [*(programs / program for program in PROGRAMS), *(manifests / name for name in MANIFESTS)]
    with open(programs.parent / "under_test.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists() or kept.stat().st_mtime <= max(path.stat().st_mtime for path in sources):
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                words = []
                for program in PROGRAMS:
                    subprocess.run(["strip", "-o", folder / program, programs / program], check=True, timeout=120)
                    words += ["--executable", folder / program]
                for name in MANIFESTS:
                    words += ["--file", manifests / name]
                subprocess.run([sys.executable, ROOT / "tools/extension_zip.py", "build", kept, "--level", "1", *words],
                               check=True, timeout=180)
        return kept.read_bytes()


class RecordingFront(front.Front):
    """Keeps what it has to say instead of printing it: `lines`, one for each request that was answered, and
    `arrived`, the path of each."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.lines, self.arrived = [], []

    def handle(self, request, hang, peer=None):
        self.arrived.append(request.path)
        return super().handle(request, hang, peer)

    def say(self, note):
        self.lines.append(note)


class World:
    def __init__(self, folder, disks, tenant, content, package_folder, **options):
        self.folder, self.disks, self.tenant, self._content = folder, disks, tenant, content
        self.faults = folder / "faults.json"
        store = backing.ImageBacking(folder / "images", copies=False)
        (folder / "images").mkdir()
        named = [front.Disk(f"{lun}:disks/{lun}={disk['device']}", store) for lun, disk in enumerate(disks)]
        blobs = f"{BASE}/devstoreaccount1"
        self.front = RecordingFront(store, named, faults.Faults(self.faults),
                                    host_service.HostService(named, store, blobs), True)
        self.front.prime()
        self.fabric = fabric_module.Fabric(tenant, BASE, self.front.handle)
        self._servers = [front.Server("0.0.0.0:80", self.fabric.wire_server, None),
                         front.Server("0.0.0.0:32526", self.fabric.host_plugin, None)]
        self._blobs = blobs
        self.agent = agent.Agent(package_folder, folder, **options)

    def __enter__(self):
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.agent.kill()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    # The owner's side

    def configure(self):
        """The guest's disks by number; host and port are the ones that are built in."""
        rig.Rig.configure(self.disks, {disk["device"]: lun for lun, disk in enumerate(self.disks)})

    def publish(self, *versions):
        for version in versions:
            self.fabric.publish_version(NAME, version, self._content)

    def backup(self, version, sequence, task=None, cipher="AES256_CBC"):
        """The extension with settings of a new backup."""
        secret = request.protected([], *(request.planted_sas(self._blobs, blob)
                                         for blob in ("status/vm.status", "logs/vm.log")))
        return goal_state.Extension(NAME, version, sequence, request.public(task=task or str(uuid.uuid4())),
                                    self.tenant.seal(secret, cipher), self.tenant.thumbprint)

    # What there is to see

    def snapshots(self):
        """How often the host was asked for snapshots, answered or not."""
        return len([path for path in self.front.arrived if path.endswith("/dosnapshot")])

    def uploads(self, blob):
        """How often the extension has written this blob."""
        return len([line for line in self.front.lines if line.get("status") == 201 and
                    line.get("request") == f"PUT /devstoreaccount1/{blob}"])

    def make_slow(self, milliseconds):
        """dosnapshot takes so long from now on."""
        draft = self.faults.with_suffix(".new")
        draft.write_text(json.dumps([{"path": "dosnapshot", "delay_ms": milliseconds}] if milliseconds else []),
                         encoding="utf-8")
        draft.rename(self.faults)
