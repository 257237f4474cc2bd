#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Invariant I1 under SIGKILL: whoever of us dies, at whatever moment, nothing stays frozen.

Each round starts a hold on four scratch filesystems with a writer on each, kills the worker, the
guard, both, or these and the watcher, at a moment drawn from the phases of a hold, and then asks:
does everybody write again within the limit, is nothing frozen, no process and no ledger left? When
all were killed at once where no systemd runs, nothing of ours is left to act: there `thaw-stale` is
run, as the next start would, and must do it; those rounds are reported apart. Every tenth round
runs under strace, which counts freezes and thaws: there must be one thaw for each freeze.

The rounds follow from the seed, which is printed.
"""
import argparse
import contextlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "..", "bench")]

import freeze_trace  # noqa: E402
import one_hold  # noqa: E402
import product  # noqa: E402
import scratch  # noqa: E402
import writer  # noqa: E402

KINDS = {"worker": ["worker"], "guard": ["guard"], "both": ["worker", "guard"],
         "all": ["worker", "guard", "watcher"],
         # Only when asked for: each takes the whole limit.
         "watcher": ["watcher"], "worker-stopped": ["worker"], "guard-stopped": ["guard"]}
DEFAULT_KINDS = ["worker", "guard", "both", "all"]
START_LIMIT_S = 10  # how long a worker may wait for a guard that never calls back
GRACE_S = 2  # past the limit, for the others to be sure that somebody is stopped
FILESYSTEMS = ["ext4", "xfs", "btrfs", "ext4"]
# How often each phase is aimed at. A hold is mostly "held"; what is dangerous is short.
PHASES = {"start": 2, "rehearsal": 5, "freeze": 4, "held": 4, "thaw": 4, "end": 1}
LEDGER_FOLDERS = ("/run/stillpoint", "/dev/shm/stillpoint")
MAX_FAILED_ROUNDS = 5


def ledgers():
    found = []
    for folder in LEDGER_FOLDERS:
        for path, _, files in os.walk(folder):
            found += [os.path.join(path, name) for name in files]
    return sorted(found)


def stopped(record):
    return record["kind"].endswith("-stopped")


class Campaign:
    def __init__(self, options, mounts, stalls):
        self.options, self.mounts, self.stalls = options, mounts, stalls
        self.product = product.Product(options.stillpoint)
        self.random = random.Random(options.seed)
        self.folder = tempfile.mkdtemp(dir="/run")
        self.limit_s = options.limit
        self.timings = {False: None, True: None}
        self.rounds = []

    def _start(self, traced):
        command = self.product.hold_command(self.mounts, limit=f"{self.limit_s}s",
                                            hold_for=f"{self.options.hold_ms}ms")
        self.trace = os.path.join(self.folder, "trace")
        return one_hold.OneHold(command, self.folder, self.trace if traced else None)

    def calibrate(self, traced):
        """When, after its start, does each phase of a hold begin and end here? Median of three."""
        samples = []
        for _ in range(3):
            self.stalls.reset()
            hold = self._start(traced)
            try:
                if not hold.wait(30) or hold.process.returncode != 0:
                    raise RuntimeError(f"a hold that nobody kills fails: {hold.errors()}"
                                       f"{hold.output()}")
                marks = product.Evidence(hold.output()).milestones
                # The evidence does not say when the rehearsal began, the first stalled write does.
                marks["rehearsal_begun"] = min(begin for lane in self.stalls.report()
                                               for begin, _ in lane["stalls"])
            finally:
                hold.close()
            samples.append({k: v - hold.begun for k, v in marks.items() if v} |
                           {"exit": hold.ended - hold.begun})
        median = {k: sorted(s[k] for s in samples)[1] for k in samples[0]}
        ms = 1_000_000
        self.timings[traced] = {
            "start": (0, median["rehearsal_begun"]),
            "rehearsal": (median["rehearsal_begun"] - ms, median["rehearsed"] + ms),
            "freeze": (median["freeze_begun"] - ms, median["frozen"] + ms),
            "held": (median["frozen"], median["thaw_begun"]),
            "thaw": (median["thaw_begun"] - ms, median["thawed"] + 2 * ms),
            "end": (median["thawed"], median["exit"])}

    def plan(self):
        """All rounds, drawn before the first: what one round meets does not change the next."""
        kinds = []
        while len(kinds) < self.options.rounds:
            block = list(self.options.kinds)
            self.random.shuffle(block)
            kinds += block
        result = []
        for number in range(self.options.rounds):
            phase = self.random.choices(self.options.phases,
                                        [PHASES[p] for p in self.options.phases])[0]
            order = list(KINDS[kinds[number]])
            self.random.shuffle(order)
            result.append({"round": number, "kind": kinds[number], "phase": phase, "order": order,
                           "at": self.random.random(),
                           "traced": self.options.strace and number % 10 == 9})
        return result

    def run_round(self, plan):
        record = {k: plan[k] for k in ("round", "kind", "phase", "traced")} | {"failures": []}
        spans = self.timings[plan["traced"]]
        begin, end = spans[plan["phase"]]
        self.stalls.reset()
        hold = self._start(plan["traced"])
        try:
            hold.look_until(hold.begun + int(begin + plan["at"] * (end - begin)),
                            set(KINDS["all"]))
            hold.look_for(set(plan["order"]), 0.2)
            killed_at = writer.now_ns()
            record["killed"] = hold.send(
                signal.SIGSTOP if stopped(record) else signal.SIGKILL, plan["order"])
            record["kill_offset_ms"] = (killed_at - hold.begun) / 1e6
            self._check(record, hold, killed_at)
        finally:
            hold.close()
            for path in ledgers():  # the next round is judged by its own
                os.unlink(path)
        return record

    def _check(self, record, hold, killed_at):
        fail = record["failures"].append
        survivors = [r for r in hold.pids if r not in record["killed"]]
        all_gone = record["kind"] == "all"
        traces = []
        patience = self.limit_s + START_LIMIT_S + 5
        if all_gone:
            # At once: a process that is still dying must not be taken for a hold that goes on, or
            # at least not for ever. Once more when all are gone; then there is no excuse.
            traces.append(self._thaw_stale(record))
            if not hold.wait(patience):
                fail(f"processes left: {hold.left_over()}")
            if ledgers():
                record["stale_twice"] = True
                traces.append(self._thaw_stale(record))
        if stopped(record):
            # Writes may succeed in between and stop later; only the end of the limit tells.
            time.sleep(self.limit_s + GRACE_S)
        lanes = self.stalls.wait_until_all_write(writer.now_ns(), patience)
        if stopped(record):
            # What was stopped cannot leave by itself. Going on, it must do no harm.
            hold.send(signal.SIGCONT, record["killed"])
        if not hold.wait(patience):
            fail(f"processes left: {hold.left_over()}")
        record["exit"] = hold.process.returncode
        record["exit_ms"] = (hold.ended - killed_at) / 1e6 if hold.ended else None
        if lanes is None:
            found = scratch.rescue(self.mounts)
            fail(f"somebody does not write after {patience} s; thawed by the test: {found}; "
                 f"{[writer.state(lane) for lane in self.stalls.report()]}")
            return
        lanes = self.stalls.report()
        record["stalled_at_kill"] = sum(writer.stalled_at(lane, killed_at) for lane in lanes)
        record["rescue_ms"] = max(writer.writes_again_at(lane, killed_at) - killed_at
                                  for lane in lanes) / 1e6
        record["longest_ms"] = max(lane["longest_ns"] for lane in lanes) / 1e6
        if max(record["rescue_ms"], record["longest_ms"]) > self._allowed_s(record) * 1000:
            fail(f"somebody was stopped for {record['rescue_ms']:.0f} ms after the kill, "
                 f"{record['longest_ms']:.0f} ms in all")
        frozen = scratch.still_frozen(self.mounts)
        if frozen:
            fail(f"left frozen: {frozen}; thawed by the test: {scratch.rescue(self.mounts)}")
        self._check_claim(record, hold, killed_at)
        self._check_ledger(record, survivors, hold)
        if record["traced"]:
            self._check_trace(record, traces)

    def _allowed_s(self, record):
        return self.limit_s + (GRACE_S if stopped(record) else 0)

    def _check_claim(self, record, hold, killed_at):
        """Invariant I2: success must not be said of a hold whose guard went before the thaw."""
        if record["kind"] != "guard" or not record["killed"] or record["exit"] != 0:
            return
        let_go = max(product.Evidence(hold.output()).times("thaw_begun_ns"))
        if let_go > killed_at + 1_000_000:
            record["failures"].append(f"success is claimed, but the guard was killed "
                                      f"{(let_go - killed_at) / 1e6:.1f} ms before the thaw")

    def _thaw_stale(self, record):
        trace = os.path.join(self.folder, f"trace-stale-{'stale_twice' in record}")
        prefix = one_hold.strace(trace) if record["traced"] else []
        begun = writer.now_ns()
        done = self.product.thaw_stale(prefix)
        record["thaw_stale_ms"] = (writer.now_ns() - begun) / 1e6
        record.setdefault("thaw_stale", []).append(done.stdout.strip())
        if done.returncode != 0:
            record["failures"].append(f"thaw-stale left with {done.returncode}: {done.stderr}")
        return trace

    def _check_ledger(self, record, survivors, hold):
        """Whoever survived tidies up. If nobody did, the next start must. One that had not met the worker when it was
        killed leaves the ledger to those who may be holding by it."""
        left = ledgers()
        met = "cannot reach the worker" not in hold.errors()
        if left and ((survivors and met) or record["kind"] == "all"):
            record["failures"].append(f"ledger left: {left}; survivors {survivors}")
        elif left:
            record["swept_by_next_start"] = True
            self.product.thaw_stale()
            if ledgers():
                record["failures"].append(f"thaw-stale leaves the ledger: {ledgers()}")

    def _check_trace(self, record, stale_traces):
        lines = []
        for path in (self.trace, *stale_traces):
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    lines += file.readlines()
                # Thread numbers may come again in the second trace; an open call ends here.
                lines.append("")
        record["calls"] = {}
        for point, counts in freeze_trace.count(lines, self.mounts).items():
            record["calls"][os.path.basename(point)] = {
                "freezes": counts.succeeded["FIFREEZE"], "thaws": counts.succeeded["FITHAW"],
                "unanswered": sum(counts.unanswered.values()),
                "thaws_refused": counts.refused["FITHAW"]}
            if counts.complaint():
                record["failures"].append(f"{point}: {counts.complaint()}")


def percentile(values, share):
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def summarise(rounds):
    """Per kind, over the rounds whose kill hit somebody."""
    result = {}
    for kind in KINDS:
        mine = [r for r in rounds if r["kind"] == kind and r.get("killed") and "rescue_ms" in r]
        if not mine:
            continue
        times = [r["rescue_ms"] for r in mine if r["rescue_ms"] > 0]
        result[kind] = {
            "rounds": len(mine), "stopped_after_kill": len(times),
            "all_stalled_at_kill": sum(r["stalled_at_kill"] == len(FILESYSTEMS) for r in mine),
            "some_stalled_at_kill": sum(0 < r["stalled_at_kill"] < len(FILESYSTEMS) for r in mine),
            "exit_ms_max": max((r["exit_ms"] for r in mine if r["exit_ms"]), default=None),
            "rescue_ms": {name: percentile(times, share) for name, share in
                          (("p50", .5), ("p90", .9), ("p99", .99), ("max", 1))}}
    return result


def print_summary(summary):
    print("\n| killed | rounds | stopped after the kill | all stalled | some stalled | p50 | p90 "
          "| p99 | max ms |\n|---|---|---|---|---|---|---|---|---|")
    for kind, row in summary.items():
        times = " | ".join("-" if v is None else f"{v:.1f}" for v in row["rescue_ms"].values())
        print(f"| {kind} | {row['rounds']} | {row['stopped_after_kill']} "
              f"| {row['all_stalled_at_kill']} | {row['some_stalled_at_kill']} | {times} |")


def run_all(campaign):
    """True if no round failed."""
    campaign.calibrate(False)
    if campaign.options.strace:
        campaign.calibrate(True)
    failed = 0
    for plan in campaign.plan():
        record = campaign.run_round(plan)
        campaign.rounds.append(record)
        if record["failures"]:
            failed += 1
            print(json.dumps(record), flush=True)
        elif campaign.options.verbose:
            print(json.dumps(record), flush=True)
        if failed == MAX_FAILED_ROUNDS:
            print("too many failures, stopped")
            break
    return failed == 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stillpoint", required=True)
    parser.add_argument("--writer", required=True, help="the built stall_writer")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=DEFAULT_KINDS)
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=list(PHASES))
    parser.add_argument("--hold-ms", type=int, default=300)
    parser.add_argument("--limit", type=int, default=5, help="hold limit in seconds")
    parser.add_argument("--no-strace", dest="strace", action="store_false")
    parser.add_argument("--verbose", action="store_true", help="print every round")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    if options.strace and shutil.which("strace") is None:
        print("no strace here: thaws are not counted", file=sys.stderr)
        options.strace = False
    return options


def main():
    options = parse()
    scratch.enter_private_namespace()
    print(f"seed {options.seed}, {options.rounds} rounds, limit {options.limit} s", flush=True)
    begun = time.monotonic()
    with scratch.Scratch(FILESYSTEMS) as mounts:
        with writer.Writer(options.writer, mounts, period_us=200) as stalls:
            campaign = Campaign(options, mounts, stalls)
            good = run_all(campaign)
        frozen = scratch.rescue(mounts)
        if frozen:
            print(f"left frozen at the end: {frozen}")
            good = False
    summary = summarise(campaign.rounds)
    print_summary(summary)
    twice = sum("stale_twice" in r for r in campaign.rounds)
    if twice:
        print(f"\n{twice} times thaw-stale, run at once, took the dying for a hold that goes on")
    missed = sum(not r.get("killed") for r in campaign.rounds)
    traced = sum(r["traced"] for r in campaign.rounds)
    print(f"\n{len(campaign.rounds)} rounds in {time.monotonic() - begun:.0f} s, "
          f"{missed} hit nobody, {traced} under strace: {'good' if good else 'FAILED'}")
    if options.json:
        with contextlib.suppress(FileNotFoundError), open(options.json, "w") as file:
            json.dump({"seed": options.seed, "good": good, "limit_s": options.limit,
                       "summary": summary, "rounds": campaign.rounds}, file, indent=1)
            file.write("\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
