#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long is an application stopped by a snapshot? Three ways beside each other, in one run.

bare      FIFREEZE on all filesystems at once, the call, FITHAW: the limit for a cold freeze
product   `stillpoint hold`
qemu-ga   QEMU's guest agent, guest-fsfreeze-freeze-list and guest-fsfreeze-thaw

The ways take turns within each round, so that whatever else the machine does meets all of them.
docs/benchmarks.md explains the figures.
"""
import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time

import product
import qemu_ga
import scratch
import writer

GOALS = {0: (lambda n: True, 1.15), 50: (lambda n: n in (8, 32), 0.7)}  # of bare's longest stall


def call_command(call_ms):
    return ["true"] if call_ms == 0 else ["sleep", str(call_ms / 1000)]


class Bare:
    name = "bare"

    def __init__(self, program, mounts):
        self.program, self.mounts = program, mounts

    def run(self, call_ms):
        text = subprocess.check_output(
            [self.program, *self.mounts, "--", *call_command(call_ms)], text=True, timeout=60)
        result = json.loads(text)
        return result["held_ns"], result["window_ns"]


class Held:
    name = "product"

    def __init__(self, path, mounts):
        self.product, self.mounts = product.Product(path), mounts

    def run(self, call_ms):
        evidence = self.product.hold(self.mounts, command=call_command(call_ms))
        return evidence.held_ns, evidence.window_ns


class GuestAgent:
    name = "qemu-ga"

    def __init__(self, agent):
        self.agent = agent

    def run(self, call_ms):
        begun = writer.now_ns()
        self.agent.freeze()
        try:
            frozen = writer.now_ns()
            subprocess.run(call_command(call_ms), check=True, close_fds=False)
            thaw_begun = writer.now_ns()
        finally:
            self.agent.thaw()
        return thaw_begun - frozen, writer.now_ns() - begun


def p90(values):
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def measure(ways, mounts, stalls, call_ms, rounds):
    """{way: [(stall, held, window), ...]} in ns; one round of warming up is thrown away."""
    rows = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            # The kernel keeps a freeze cheap for about one RCU grace period after the last thaw.
            # Without this pause each way would live on the freeze of the one before it.
            time.sleep(0.3)
            stalls.reset()
            held, window = way.run(call_ms)
            if stalls.wait_until_all_write(writer.now_ns(), 30) is None:
                raise RuntimeError(f"{way.name}: writes do not go on after the thaw")
            if number > 0:
                rows[way.name].append((stalls.longest_ns(), held, window))
    frozen = scratch.still_frozen(mounts)
    if frozen:
        raise RuntimeError(f"left frozen: {frozen}")
    return rows


def summarise(rows, count, call_ms):
    result = []
    for way, samples in rows.items():
        row = {"filesystems": count, "call_ms": call_ms, "way": way, "rounds": len(samples)}
        for i, what in enumerate(("stall", "held", "window")):
            values = [sample[i] / 1e6 for sample in samples]
            row[f"{what}_ms"] = {"median": statistics.median(values), "p90": p90(values),
                                 "max": max(values)}
        result.append(row)
    bare = next((r for r in result if r["way"] == "bare"), None)
    for row in result:
        row["stall_to_bare"] = row["stall_ms"]["median"] / bare["stall_ms"]["median"]
        row["window_to_bare"] = row["window_ms"]["median"] / bare["window_ms"]["median"]
        applies, goal = GOALS.get(call_ms, (lambda n: False, None))
        if row["way"] == "product" and applies(count):
            row["goal"] = goal
            row["goal_met"] = row["stall_to_bare"] <= goal
    return result


HEADER = ("| filesystems | call ms | way | stall median | stall p90 | window median | window p90 "
          "| held median | stall / bare | goal |\n|---|---|---|---|---|---|---|---|---|---|")


def table_line(r):
    goal = "" if "goal" not in r else f"<= {r['goal']} {'met' if r['goal_met'] else 'MISSED'}"
    return (f"| {r['filesystems']} | {r['call_ms']} | {r['way']} | {r['stall_ms']['median']:.1f} "
            f"| {r['stall_ms']['p90']:.1f} | {r['window_ms']['median']:.1f} "
            f"| {r['window_ms']['p90']:.1f} | {r['held_ms']['median']:.1f} "
            f"| {r['stall_to_bare']:.2f} | {goal} |")


def machine():
    return {"kernel": platform.release(), "processors": os.cpu_count(),
            "load_at_start": os.getloadavg()[0]}


def run_count(options, count):
    kinds = scratch.alternating(count)
    results = []
    disks = scratch.Scratch(kinds)
    with disks as mounts, writer.Writer(options.writer, mounts) as stalls:
        ways = [Bare(options.bare, mounts)]
        if options.stillpoint:
            ways.append(Held(options.stillpoint, mounts))

        def measure_all():
            for call_ms in options.calls:
                rows = summarise(measure(ways, mounts, stalls, call_ms, options.rounds),
                                 count, call_ms)
                results.extend(rows)
                for row in rows:
                    print(table_line(row), flush=True)

        if options.qemu_ga:
            with qemu_ga.QemuGa(mounts) as agent:
                ways.append(GuestAgent(agent))
                measure_all()
        else:
            measure_all()
    return results, disks.on


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bare", required=True, help="the built bare_freeze")
    parser.add_argument("--writer", required=True, help="the built stall_writer")
    parser.add_argument("--stillpoint", help="the product; left out: not measured")
    parser.add_argument("--filesystems", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--calls", type=int, nargs="+", default=[0, 50], help="ms")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", help="file for all figures")
    parser.add_argument("--no-qemu-ga", dest="qemu_ga", action="store_false")
    parser.add_argument("--smoke", action="store_true", help="one round, one filesystem")
    options = parser.parse_args()
    if options.smoke:
        options.filesystems, options.calls, options.rounds = [1], [0, 50], 1
    if options.qemu_ga and not qemu_ga.available():
        print("no qemu-ga here: left out", file=sys.stderr)
        options.qemu_ga = False
    return options


def main():
    options = parse()
    scratch.enter_private_namespace()
    print(f"kernel {platform.release()}, {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f}; times in ms\n\n{HEADER}", flush=True)
    report = {"machine": machine(), "results": []}
    for count in options.filesystems:
        rows, report["disks"] = run_count(options, count)
        report["results"] += rows
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    # A missed goal is a finding to be read, not a broken bench.
    return 0


if __name__ == "__main__":
    sys.exit(main())
