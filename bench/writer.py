# SPDX-License-Identifier: Apache-2.0
"""The stall writer as an object: it runs as long as the `with` block."""
import json
import subprocess
import time

import scratch


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Writer:
    def __init__(self, program, mounts, period_us=1000, stall_us=1000):
        self.mounts = mounts
        self.command = [program, "--period-us", str(period_us), "--stall-us", str(stall_us),
                        *mounts]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        # When a test was stopped in the middle, a write may wait for a thaw that nobody will do.
        self.process.kill()
        scratch.rescue(self.mounts)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)

    def _ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def reset(self):
        if self._ask("reset") != "ok\n":
            raise RuntimeError("the writer is gone")

    def report(self):
        lanes = json.loads(self._ask("report"))
        if any(lane["errors"] for lane in lanes):
            raise RuntimeError("a write failed; is a scratch filesystem full?")
        return lanes

    def longest_ns(self):
        """The longest stalled write since the reset, over all filesystems."""
        return max(lane["longest_ns"] for lane in self.report())

    def wait_until_all_write(self, since_ns, timeout):
        """The report once every filesystem completed a write begun after `since_ns`, else None."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            lanes = self.report()
            if all(lane["last_end_ns"] > since_ns and not waits(lane) for lane in lanes):
                return lanes
            time.sleep(0.002)
        return None


def waits(lane):
    """It has been in one write for more than a millisecond."""
    since = lane["writing_since_ns"]
    return since != 0 and now_ns() - since > 1_000_000


def state(lane):
    """For a complaint: how long ago it wrote, and for how long it has been in a write, in ms."""
    now = now_ns()
    since = lane["writing_since_ns"]
    return {"wrote_ago": (now - lane["last_end_ns"]) / 1e6,
            "waits": (now - since) / 1e6 if since else 0}


def stalled_at(lane, moment):
    return any(begin <= moment < end for begin, end in lane["stalls"])


def writes_again_at(lane, moment, in_flight_ns=500_000_000):
    """When the lane wrote for good after `moment`; `moment` itself if it was never stopped. Counted
    is what stops it then, and what was in flight then and stops it soon after; not what the
    machine's other work does to a write seconds later."""
    return max([end for begin, end in lane["stalls"]
                if end > moment and begin < moment + in_flight_ns], default=moment)
