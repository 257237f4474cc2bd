# SPDX-License-Identifier: Apache-2.0
"""What the tests of the lab share: a guest with the shipped executables in it, and holds of theirs."""
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import lab  # noqa: E402

SKIPPED = 77  # what CTest is told to take for "skipped"
TOOLS = ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "busybox", "cpio", "gcc", "g++")
EXECUTABLES = ("stillpoint", "stillpoint-guard")
STILLPOINT = "/opt/stillpoint/bin/stillpoint"
UNITS = "stillpoint-guard-*.service"
DATA = ("/data/ext4", "/data/xfs", "/data/btrfs")
WRITABLE_LIMIT_S = 10
SETTLE_TRIES = 100
# A hold whose command says that it runs, that is, that everything is held. It is killed to end the hold.
BEGIN = """rm -f /run/held /run/hold.json /run/hold.error
setsid {stillpoint} hold {options} --json -- sh -c 'echo $$ >/run/held.new; mv /run/held.new /run/held; exec sleep 60' \
    >/run/hold.json 2>/run/hold.error &
worker=$!
tries=0
while [ ! -e /run/held ] && kill -0 $worker 2>/dev/null && [ $tries -lt 1000 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
[ -e /run/held ] || {{ cat /run/hold.json /run/hold.error; exit 1; }}
guard=$(systemctl show --property=MainPID --value '{units}')
echo $worker ${{guard:-0}} $(cat /run/held)
"""
LEFT = """systemctl list-units --all --no-legend --plain '{units}'
ls /run/stillpoint/*.ledger /dev/shm/stillpoint/*.ledger 2>/dev/null
pidof stillpoint stillpoint-guard || true
systemctl --failed --no-legend --plain"""
SETTLE = """tries=0
while [ -n "$({left})" ] && [ $tries -lt {tries} ]; do
    sleep 0.05
    tries=$((tries + 1))
done
{left}"""


class Running:
    """A hold that began: process ids of worker, guard (0: no service) and command."""

    def __init__(self, worker, guard, command):
        self.worker, self.guard, self.command = worker, guard, command
        self.is_over = False


class LabTest(unittest.TestCase):
    """Each class has a guest of its own."""

    binaries = None

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sp-lab-")))
        cls.guest = cls.enterClassContext(lab.saved_guest(folder))
        cls.guest.run("mkdir -p /opt/stillpoint/bin")
        for name in EXECUTABLES:
            cls.guest.put(cls.binaries / name, f"/opt/stillpoint/bin/{name}")
        # Translates for the emulator what the tests run and time.
        cls.guest.run(f"{STILLPOINT} hold --only /data/ext4 --for 50ms && probe 5000 {' '.join(DATA)} && sync")

    def setUp(self):
        self.addCleanup(self.assert_well)

    def assert_well(self):
        """Whatever the test did: nothing of ours is left, and everything can be written to."""
        self.assert_nothing_left()
        self.assert_writable("/", *DATA, "/data/dm", "/data/lv-ext4", "/data/lv-xfs", "/data/efi")

    def begin(self, options):
        """Starts a hold in the background and waits until everything is held."""
        answer = self.guest.run(BEGIN.format(stillpoint=STILLPOINT, options=options, units=UNITS))
        running = Running(*map(int, answer.text.split()))
        self.addCleanup(self.clear, running)
        return running

    def clear(self, running):
        """After a test that failed in the middle of a hold."""
        if running.is_over:
            return
        self.guest.run(f"kill -KILL {running.command} {running.worker} {running.guard or ''}; sleep 1; "
                       f"{STILLPOINT} thaw-stale", check=False)

    def end(self, running):
        """Ends the hold's command, waits for the worker; its evidence, if it lived to give it."""
        text = self.guest.run(f"{{ kill {running.command}; kill -CONT {running.worker}; }} 2>/dev/null; "
                              f"timeout 20 tail --pid={running.worker} -s 0.05 -f /dev/null && cat /run/hold.json").text
        running.is_over = True
        return json.loads(text) if text else None

    def hold(self, options, limit_s=60):
        """A whole hold in the foreground: exit code and evidence."""
        answer = self.guest.run(f"{STILLPOINT} hold {options} --json 2>/run/hold.error", limit_s, check=False)
        return answer.status, json.loads(answer.text)

    def probe(self, limit_s, mounts, command="true"):
        """Milliseconds from before the shell command until each mount was written to; None: it was not."""
        text = self.guest.run(f"probe {int(limit_s * 1000)} {' '.join(mounts)} -- sh -c '{command}'", check=False).text
        found = {line.split()[0]: line.split()[1] for line in text.splitlines()}
        self.assertNotIn("failed", text)
        return {mount: None if found[mount] == "blocked" else float(found[mount]) for mount in mounts}

    def assert_writable(self, *mounts):
        self.assertNotIn(None, self.probe(WRITABLE_LIMIT_S, mounts).values())

    def assert_blocked(self, *mounts):
        self.assertEqual({None}, set(self.probe(0.7, mounts).values()))

    def assert_nothing_left(self):
        left = LEFT.format(units=UNITS)
        text = self.guest.run(SETTLE.format(left=left, tries=SETTLE_TRIES), 120).text
        self.assertEqual("", text.strip())

    def assert_held(self, status, evidence):
        self.assertEqual((0, True, None), (status, evidence["held"], evidence["error"]))
        self.assertEqual({"held"}, {one["outcome"] for one in evidence["filesystems"]})
        self.assertTrue(all(one["held_until_thaw"] for one in evidence["filesystems"]), evidence)
        self.assertTrue(all(one["readable"] and one["stood_still"] for one in evidence["devices"]), evidence)

    def start_writers(self, *mounts):
        """Load on the mounts, each with a process of its own, since a blocked filesystem blocks its process."""
        for number, mount in enumerate(mounts):
            self.guest.run(f"setsid scratch_writer {mount} >/run/load.{number} 2>&1 & echo $! >/run/load.{number}.pid")
        self.guest.run("sleep 1")

    def stop_writers(self, *mounts):
        """The longest time in ms that a write took on each mount."""
        longest = {}
        for number, mount in enumerate(mounts):
            text = self.guest.run(f"pid=$(cat /run/load.{number}.pid); kill $pid; "
                                  f"timeout 20 tail --pid=$pid -s 0.05 -f /dev/null; tail -n 1 /run/load.{number}").text
            longest[mount] = json.loads(text)["mounts"][0]["longest_write_ms"]
        return longest


def report(what, figures_ms):
    """Figures of a test, for people; CTest shows them with -V."""
    print(f"{what}: median {statistics.median(figures_ms):.0f} ms, worst {max(figures_ms):.0f} ms, "
          f"of {len(figures_ms)}", file=sys.stderr)


def main():
    """TEST FOLDER [unittest's own arguments], the folder with the static executables."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        print(f"skipped: needs root, and tools/install_deps.sh lab ({' '.join(missing)})", file=sys.stderr)
        sys.exit(SKIPPED)
    LabTest.binaries = pathlib.Path(sys.argv.pop(1))
    if not all((LabTest.binaries / name).exists() for name in EXECUTABLES):
        print(f"skipped: no executables in {LabTest.binaries}: run ./package", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
