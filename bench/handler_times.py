#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `enable` takes to return, and how long from its call to the final status: N host backups of three scratch
filesystems, a writer on each, against a scripted host (docs/benchmarks.md). Prints medians, asserts nothing of them.

    handler_times.py BIN_FOLDER SCRATCH_WRITER STALL_WRITER     as root; SP_ROUNDS: how many, default 15
"""
import os
import pathlib
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
import case  # noqa: E402: the path has to be there first
import request  # noqa: E402
import rig  # noqa: E402


def peak_kb(found, stop):
    """The largest VmHWM of each kind of process of ours, until told to stop."""
    while not stop.is_set():
        for pid, words in rig.processes().items():
            kind = ("guard" if words and words[0].endswith("stillpoint-guard") and "--watch" not in words else
                    "watcher" if words and words[0].endswith("stillpoint-guard") else
                    "worker" if "worker" in words else None)
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8") if kind else ""
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    found[kind] = max(found.get(kind, 0), int(line.split()[1]))


class HandlerTimes(case.EndToEnd):
    @case.loaded
    def test_rounds(self):
        self.start_front()
        self.configure()
        self.assertEqual(0, self.guest.install().code)
        returned, ended, memory, stop = [], [], {}, threading.Event()
        watch = threading.Thread(target=peak_kb, args=(memory, stop))
        for sequence in range(1, int(os.environ.get("SP_ROUNDS", "15")) + 1):
            self.ask_for(sequence, request.public(task=f"0a0b0c0d-0000-4000-8000-{sequence:012}"))
            if sequence == int(os.environ.get("SP_ROUNDS", "15")):
                watch.start()  # only beside the last one: looking costs time too
            began = time.monotonic()
            enabled = self.guest.run("enable", sequence)
            returned.append(time.monotonic() - began)
            status = self.guest.wait_for_end(sequence)
            if not watch.is_alive():
                ended.append(time.monotonic() - began)
            self.assertEqual((0, 1), (enabled.code, status.code))
        stop.set()
        watch.join()
        for what, times in (("enable returned after", returned), ("final status after", ended)):
            times = sorted(1000 * one for one in times)
            print(f"{what}: median {statistics.median(times):.0f} ms, worst {times[-1]:.0f} ms of {len(times)}")
        print("peak memory, kB: " + ", ".join(f"{kind} {size}" for kind, size in sorted(memory.items())))


if __name__ == "__main__":
    case.run_tests()
