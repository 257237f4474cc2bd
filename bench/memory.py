#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much memory do the worker, the guard and the watcher take during a hold?

VmHWM is the most that was ever resident, shared pages and all; Pss counts a shared page by its
share, so that its sum over the three is what the machine really gives.
"""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time

import product
import scratch


def kilobytes(path, *names):
    found = {}
    with contextlib.suppress(OSError), open(path) as file:
        for line in file:
            match = re.match(r"(\w+):\s+(\d+) kB", line)
            if match and match.group(1) in names:
                found[match.group(1)] = int(match.group(2))
    return found


def sample(pid):
    return kilobytes(f"/proc/{pid}/status", "VmHWM", "VmLck") | \
        kilobytes(f"/proc/{pid}/smaps_rollup", "Pss")


def peaks_of_one_hold(stillpoint, mounts, hold_for):
    peaks, peak_sum = {}, 0
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(stillpoint.hold_command(mounts, hold_for=hold_for), stdout=null)
        while process.poll() is None:
            pids = {"worker": process.pid} | product.helpers_of(process.pid)
            now = {role: sample(pid) for role, pid in pids.items()
                   # A fresh child is still its parent's image until it executes its own program.
                   if role == "worker" or "--socket" in product.command_line(pid)}
            peak_sum = max(peak_sum, sum(s.get("Pss", 0) for s in now.values()))
            for role, seen in now.items():
                best = peaks.setdefault(role, {})
                for key, value in seen.items():
                    best[key] = max(best.get(key, 0), value)
            time.sleep(0.005)
    if process.returncode != 0:
        raise RuntimeError(f"hold left with {process.returncode}")
    return peaks, peak_sum


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stillpoint", required=True)
    parser.add_argument("--filesystems", type=int, default=8)
    parser.add_argument("--for", dest="hold_for", default="1s")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    scratch.enter_private_namespace()
    with scratch.Scratch(scratch.alternating(options.filesystems)) as mounts:
        peaks, peak_sum = peaks_of_one_hold(product.Product(options.stillpoint), mounts,
                                            options.hold_for)
        frozen = scratch.still_frozen(mounts)
    print(f"{options.filesystems} filesystems held for {options.hold_for}; kB\n\n"
          "| process | VmHWM | Pss | locked |\n|---|---|---|---|")
    for role, row in peaks.items():
        print(f"| {role} | {row.get('VmHWM', 0)} | {row.get('Pss', 0)} | {row.get('VmLck', 0)} |")
    print(f"| all at once | | {peak_sum} | |")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"filesystems": options.filesystems, "processes": peaks,
                       "pss_sum_kb": peak_sum}, file, indent=1)
            file.write("\n")
    if frozen or "guard" not in peaks:
        print(f"left frozen: {frozen}; processes seen: {sorted(peaks)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
