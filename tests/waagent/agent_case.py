# SPDX-License-Identifier: Apache-2.0
"""What the tests with the real VM agent share. Each begins with an empty guest and ends with the same questions as
the end-to-end tests: is anything frozen, does a process of ours still run, is a secret written anywhere?

    X_test.py BIN_FOLDER     as root
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import world  # first: it makes the others findable
import agent
import case
import package
import residue
import rig
import room
import scratch
import tenant
import trial

TOOLS = ("openssl", "ip", "strip", "apt-get", "dpkg-deb", agent.PYTHON, "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
REPORT_LIMIT_S = 30
LEFT_LIMIT_S = 20
LOGS = agent.LOGS / "azure" / world.NAME
# The goal state and the keys as the VM agent keeps them: they hold the settings that the control plane sent.
AGENTS_OWN = ("ExtensionsConfig.", "Certificates.p7m", "Certificates.pem", "TransportPrivate.pem")


class Context:
    """Set once for each process."""
    place = package_folder = content = tenant = None


class AgentTest(unittest.TestCase):
    maxDiff = None
    options = {}  # of the VM agent, beyond what all tests set

    def setUp(self):
        self.folder = Context.place.work / self._testMethodName
        self.folder.mkdir()
        for fixed in (agent.FOLDER, LOGS.parent, rig.ETC_AZURE, rig.ETC_OWN, rig.STATE,
                      pathlib.Path("/run/stillpoint")):
            shutil.rmtree(fixed, ignore_errors=True)
        (agent.LOGS / "waagent.log").unlink(missing_ok=True)
        self.mounts = Context.place.mounts
        self.addCleanup(self._remove)
        self.world = world.World(self.folder, Context.place.disks, Context.tenant, Context.content,
                                 Context.package_folder, **self.options)
        self.world.configure()
        self.world.publish("1.0.0.1")
        self.agent, self.fabric = self.world.agent, self.world.fabric
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)
        self.agent.start()

    def tearDown(self):
        self.check_nothing_is_left()

    def _remove(self):
        if case.has_failed(self):
            own = "\n".join(path.read_text(encoding="utf-8") for path in LOGS.glob("*.log")) if LOGS.exists() else ""
            print("\n--- the fabric:", *self.fabric.requests[-40:], sep="\n", file=sys.stderr)
            print(f"\n--- the VM agent's log:\n{self.agent.log()[-12000:]}\n--- ours:\n{own[-6000:]}", file=sys.stderr)
        for mount in self.mounts:
            scratch.thaw(mount)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What the control plane does and sees

    def want_and_wait(self, extension):
        """A new goal state with this extension alone, until its end is reported. The handler's report."""
        self.fabric.want(extension)
        return self.wait_for_end(extension)

    def wait_for_end(self, extension, after=0):
        def ended(report):
            handler = report.handler(extension.name)
            return (handler is not None and (handler.version, handler.sequence) ==
                    (extension.version, extension.sequence) and inner(handler)["code"] != rig.TRANSITION)
        what = f"the end of number {extension.sequence} of version {extension.version}"
        return self.fabric.wait_for(ended, what, REPORT_LIMIT_S, after).handler(extension.name)

    def commands_after(self, count):
        """[(version, command)] that the VM agent ran since there were `count` of them."""
        return [(version, command) for _, version, command in self.agent.commands()[count:]]

    def wait_for_hold(self):
        """Until the host is asked once more for snapshots, which is when everything is held."""
        before = self.world.snapshots()
        trial.wait_until(lambda: self.world.snapshots() > before, "the host to be asked", REPORT_LIMIT_S)

    def check_success(self, handler, extension):
        """What the VM agent made of our status document, member by member."""
        self.assertEqual(("Ready", 0, extension.version), (handler.state, handler.code, handler.version))
        self.assertEqual("Plugin enabled", handler.message)
        self.assertEqual(extension.sequence, handler.sequence)
        status = handler.status
        self.assertEqual((world.NAME, "Enable", "success", 1),
                         (status["name"], status["operation"], status["status"], int(status["code"])))
        report, message = inner(handler), json.loads(inner(handler)["formattedMessage"]["message"])
        self.assertEqual((extension.public["taskId"], "1", "success"),
                         (report["taskId"], str(report["code"]), report["status"]))
        self.assertEqual(1, message["snapshotConsistency"], message)
        self.assertEqual(["true"] * len(self.mounts), [disk["isSuccessful"] for disk in report["snapshotInfo"]])
        facts = {entry["Key"]: entry["Value"] for entry in report["telemetryData"]}
        return facts

    # The three questions

    def check_nothing_is_left(self):
        limit = time.monotonic() + LEFT_LIMIT_S
        while (left := rig.ours()) and time.monotonic() < limit:
            time.sleep(0.02)
        self.assertEqual([], [rig.processes().get(pid) for pid in left], "processes are left")
        self.assertEqual([], [mount for mount in self.mounts if scratch.thaw(mount)], "filesystems are left frozen")
        self.check_secrets()

    def check_secrets(self):
        secrets = residue.secrets_of(Context.tenant)
        found = residue.secrets_in(secrets, self.folder, (*residue.PLACES, str(agent.LOGS)))
        agents_own = [one for one in found if is_agents_own(pathlib.Path(one[0]))]
        self.assertNotEqual([], agents_own, "the search does not even find what the VM agent keeps")
        self.assertEqual([], [one for one in found if one not in agents_own], "secrets are written")
        told = "\n".join([*self.fabric.telemetry, *(json.dumps(report.document) for report in self.fabric.reports)])
        self.assertEqual([], [name for name, secret in secrets.items() if secret in told.encode()],
                         "secrets are reported")


def is_agents_own(path):
    return path.name.startswith(AGENTS_OWN) or path.parent == agent.FOLDER / "history"


def inner(handler):
    """Our own report inside the status that the VM agent passes on."""
    return json.loads(handler.status["substatus"][0]["name"])[0]["status"]


def run_tests(filesystems=("ext4", "xfs", "btrfs")):
    trial.skip_unless(root=True, tools=TOOLS)
    if subprocess.run([agent.PYTHON, "-c", "import distro, pkg_resources"], check=False, capture_output=True,
                      timeout=60).returncode != 0:
        print("skipped: not installed: what tools/install_deps.sh waagent installs", file=sys.stderr)
        sys.exit(trial.SKIPPED)
    programs, words = pathlib.Path(sys.argv[1]).resolve(), sys.argv[:1] + sys.argv[2:]
    Context.package_folder, Context.content = package.unpacked(), world.extension_zip(programs)

    def in_the_room(place):
        Context.place = place
        Context.tenant = tenant.Tenant(place.work / "tenant")
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it would have to trace processes that nobody waits for
        program = unittest.main(module="__main__", argv=words, verbosity=2, exit=False)
        return 0 if program.result.wasSuccessful() else 1

    code = room.run(in_the_room, filesystems, addresses=world.ADDRESSES)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.exit(code)
