# SPDX-License-Identifier: Apache-2.0
"""One running hold whose processes can be killed, each through a pidfd: a number that the kernel
has given away again is never hit."""
import contextlib
import os
import signal
import subprocess
import time

import product
import writer


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(entry)}/stat") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry))
    return found


def strace(output):
    return ["strace", "-f", "-y", "-e", "trace=ioctl", "-o", output]


class OneHold:
    def __init__(self, command, folder, trace=None):
        self.out = open(os.path.join(folder, "hold.out"), "w+")
        self.err = open(os.path.join(folder, "hold.err"), "w+")
        if trace is not None:
            command = strace(trace) + command
        self.traced = trace is not None
        # A sanitizer build cannot look for leaks while it is traced.
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if self.traced else None
        self.begun = writer.now_ns()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, env=env)
        self.pids, self.pidfds = {}, {}
        self.ended = None
        if not self.traced:
            self._adopt("worker", self.process.pid)

    def _adopt(self, role, pid):
        with contextlib.suppress(OSError):
            self.pidfds[role] = os.pidfd_open(pid)
            self.pids[role] = pid

    def look(self):
        """Learns the processes that exist by now."""
        if "worker" not in self.pids:
            for pid in children(self.process.pid):
                if "hold" in product.command_line(pid) and \
                        os.path.basename(product.command_line(pid)[0]) != "strace":
                    self._adopt("worker", pid)
        if "worker" in self.pids:
            for role, pid in product.helpers_of(self.pids["worker"]).items():
                if role not in self.pids:
                    self._adopt(role, pid)

    def look_until(self, moment, roles):
        """Keeps looking until `moment`; the last millisecond is spun, to hit short phases."""
        while (left := moment - writer.now_ns()) > 0:
            if left > 20_000_000 and not roles <= self.pids.keys():
                self.look()
            if left > 1_500_000:
                time.sleep(min(left - 1_000_000, 5_000_000) / 1e9)

    def look_for(self, roles, timeout):
        """Waits for processes that are about to be started."""
        end = time.monotonic() + timeout
        while not roles <= self.pids.keys() and self.process.poll() is None and \
                time.monotonic() < end:
            self.look()

    def send(self, number, roles):
        """The signal to each that is there; returns those that were alive to take it."""
        hit = []
        for role in roles:
            if role in self.pidfds and product.alive(self.pids[role]):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfds[role], number)
                    hit.append(role)
        return hit

    def wait(self, timeout):
        """True when the command and every helper are gone."""
        end = time.monotonic() + timeout
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
            self.ended = writer.now_ns()
        while time.monotonic() < end:
            self.look()
            if not self.left_over():
                return True
            time.sleep(0.005)
        return not self.left_over()

    def left_over(self):
        return {role: pid for role, pid in self.pids.items()
                if product.alive(pid) and (role == "worker" or _is_ours(pid, self.pids["worker"]))}

    def output(self):
        self.out.seek(0)
        return self.out.read()

    def errors(self):
        self.err.seek(0)
        return self.err.read()

    def close(self):
        self.send(signal.SIGKILL, ["worker", "guard", "watcher"])
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for fd in self.pidfds.values():
            os.close(fd)
        self.out.close()
        self.err.close()


def _is_ours(pid, worker_pid):
    argv = product.command_line(pid)
    # A process with its memory gone but a thread stuck in the kernel shows no command line.
    return argv == [] or any(f"stillpoint-{worker_pid}-" in word for word in argv)
