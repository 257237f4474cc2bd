# SPDX-License-Identifier: Apache-2.0
"""The Linux VM agent, unchanged, as a process of a room that has a network of its own (e2e/room.py)."""
import contextlib
import datetime
import os
import pathlib
import re
import signal
import subprocess
import time

import package

PYTHON = "/usr/bin/python3"  # Debian's, which has the modules that the agent imports
CONFIGURATION = pathlib.Path("/etc/waagent.conf")
FOLDER = pathlib.Path("/var/lib/waagent")
LOGS = pathlib.Path("/var/log")
STOP_LIMIT_S = 20
# The agent leaves the machine as it is (no provisioning, disks, host name, firewall), and looks for a goal state
# each second, not every six. Options that stand here alone are the agent's own defaults.
OPTIONS = {"Extensions.Enabled": "y", "Extensions.GoalStatePeriod": 1, "Extensions.InitialGoalStatePeriod": 1,
           "Provisioning.Agent": "disabled", "Provisioning.MonitorHostName": "n", "ResourceDisk.Format": "n",
           "ResourceDisk.EnableSwap": "n", "Logs.Console": "n", "Logs.Collect": "n", "OS.EnableFirewall": "n",
           "OS.EnableRDMA": "n", "AutoUpdate.Enabled": "n", "Debug.EtpCollectionPeriod": 3}


class Agent:
    def __init__(self, package_folder, work, **options):
        self._package, self._work = package_folder, work
        self._process = None
        lines = [f"{key}={value}" for key, value in {**OPTIONS, **options}.items()]
        CONFIGURATION.write_text("\n".join(lines) + "\n", encoding="ascii")

    def start(self):
        """As its service does: `waagent -daemon`, which starts the process that handles extensions."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                       "PYTHONPATH": str(self._package / package.MODULES), "PYTHONDONTWRITEBYTECODE": "1"}
        with open(self._work / "agent.out", "ab") as out:
            self._process = subprocess.Popen([PYTHON, "-u", self._package / package.PROGRAM, "-daemon"], cwd="/",
                                             env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                             stderr=subprocess.STDOUT, start_new_session=True)

    def stop(self):
        """SIGTERM to the agent's own processes, which the daemon hands on; not to what its extensions started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        limit = time.monotonic() + STOP_LIMIT_S
        while self.processes():
            if time.monotonic() > limit:
                self.kill()
                raise RuntimeError(f"the VM agent does not end within {STOP_LIMIT_S} s")
            time.sleep(0.05)
        self._process.wait(STOP_LIMIT_S)  # or the next one takes it for one that runs

    def kill(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(STOP_LIMIT_S)

    def processes(self):
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                if os.fsencode(self._package / package.PROGRAM) in words:
                    found.append(int(entry))
        return found

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (LOGS / "waagent.log").read_text(encoding="utf-8", errors="replace")
        return ""

    def commands(self):
        """[(when it was begun, in ns of CLOCK_REALTIME; version; command)] of all extensions, from the log."""
        return [(stamp_ns(found[1]), found[2], found[3]) for found in re.finditer(
            r"^(\S+Z) INFO \S+ \[?[^\n]*?Executing command: \S*-([0-9.]+)/\S+ (\S+) with environment", self.log(),
            re.MULTILINE)]


def stamp_ns(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(microseconds=1) * 1000
