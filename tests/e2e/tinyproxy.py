# SPDX-License-Identifier: Apache-2.0
"""A real proxy, https://tinyproxy.github.io/, with its own account of what it was asked."""
import re
import socket
import subprocess
import time

import child
import trial

OUTGOING = "127.0.0.2"  # the address that its tunnels come from, so that servers can tell
LINE = re.compile(r"^\w+\s+(\w+ +\d+ [\d:]+)\.(\d+) \[\d+\]: Request .*: CONNECT (\S+) HTTP/")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Tinyproxy:
    """Runs as long as the `with` block lasts. `login`: (user, password) that it wants. `ports`: of servers that it
    makes tunnels to; all, where none is named."""

    def __init__(self, folder, login=None, ports=()):
        self.port = free_port()
        self._log = folder / "tinyproxy.log"
        self._settings = folder / "tinyproxy.conf"
        lines = [f"Port {self.port}", "Listen 127.0.0.1", f"Bind {OUTGOING}", f'LogFile "{self._log}"',
                 "LogLevel Connect", "MaxClients 50", "Timeout 60", "Allow 127.0.0.1",
                 *(f"ConnectPort {port}" for port in ports)]
        if login is not None:
            lines.append(f"BasicAuth {login[0]} {login[1]}")
        self._settings.write_text("\n".join(lines) + "\n", encoding="ascii")

    def __enter__(self):
        self._process = subprocess.Popen(["tinyproxy", "-d", "-c", self._settings], stdout=subprocess.DEVNULL,
                                         preexec_fn=child.dies_with_parent)
        trial.wait_until(self._listens, "tinyproxy to listen")
        return self

    def __exit__(self, *_):
        self.stop()

    def _listens(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"tinyproxy ended with {self._process.returncode}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=20)

    def connects(self):
        """[(moment in CLOCK_BOOTTIME nanoseconds, "host:port")] of every CONNECT, with milliseconds' precision."""
        offset = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.time_ns()
        year = time.strftime("%Y")
        found = []
        for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := LINE.match(line):
                seconds = time.mktime(time.strptime(f"{year} {match[1]}", "%Y %b %d %H:%M:%S"))
                found.append((int(seconds) * 1_000_000_000 + int(match[2].ljust(9, "0")) + offset, match[3]))
        return found
