# SPDX-License-Identifier: Apache-2.0
"""When each filesystem took a write: bench/stall_writer as an object. Times in CLOCK_BOOTTIME nanoseconds."""
import json
import subprocess
import time

import child

WAITS_NS = 5_000_000    # in one write for so long: something stops it
HELD_NS = 300_000_000   # so long: it is being held, which neither a rehearsal nor a busy machine explains


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Pulse:
    """A small write on each of `mounts` every millisecond, as long as the `with` block lasts."""

    def __init__(self, program, mounts):
        self.mounts = mounts
        self._process = subprocess.Popen([program, *mounts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         preexec_fn=child.dies_with_parent)
        self.pid = self._process.pid
        self.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()  # it leaves at once, stuck threads or not
        self._process.stdout.close()
        self._process.wait(timeout=20)

    def _ask(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def reset(self):
        if self._ask("reset") != "ok\n":
            raise RuntimeError("the pulse is gone")

    def lanes(self):
        return json.loads(self._ask("report"))

    def longest_ms(self):
        return max(lane["longest_ns"] for lane in self.lanes()) / 1e6

    def held(self, longer_than_ns=WAITS_NS):
        """Mounts whose write has been waiting for longer than that."""
        now = now_ns()
        return [mount for mount, lane in zip(self.mounts, self.lanes())
                if lane["writing_since_ns"] and now - lane["writing_since_ns"] > longer_than_ns]

    def wait_until_all_held(self, limit_s):
        """In the middle of a hold, not at its beginning."""
        self._wait(lambda: len(self.held(HELD_NS)) == len(self.mounts), "not everything is held", limit_s)

    def wait_until_all_write(self, since_ns, limit_s):
        """Milliseconds after `since_ns` at which the last of them wrote again."""
        self._wait(lambda: all(lane["last_end_ns"] > since_ns for lane in self.lanes()), "a disk does not write",
                   limit_s)
        return max(self.first_end_after(lane, since_ns) - since_ns for lane in self.lanes()) / 1e6

    @staticmethod
    def first_end_after(lane, moment):
        """When the write ended that was waiting at `moment`; `moment` itself if none was."""
        return next((end for begin, end in lane["stalls"] if begin <= moment < end), moment)

    def all_stalled_at(self, moment, late_ns=0):
        """`late_ns`: a writer may have begun its write so much later, on a machine too busy to let it begin."""
        return all(any(begin <= moment + late_ns and moment < end for begin, end in lane["stalls"])
                   for lane in self.lanes())

    def _wait(self, condition, what, limit_s):
        limit = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > limit:
                raise RuntimeError(f"{what} within {limit_s} s: held are {self.held()}")
            time.sleep(0.002)
