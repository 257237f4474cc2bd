#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a backup takes under the real VM agent, from the goal state's change until its end is reported, and how
much of that is ours (docs/benchmarks.md). Prints medians, asserts nothing of them.

    agent_share.py BIN_FOLDER SCRATCH_WRITER     as root; SP_ROUNDS: how many, default 15

Ours is the time from the VM agent's line "Executing command" for `enable` until the final status file is written,
without the two calls to the host. The VM agent has its own default period of 6 s.
"""
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "waagent"))
import agent_case  # noqa: E402: the path has to be there first
import agent  # noqa: E402
import trial  # noqa: E402
import world  # noqa: E402

VERSION = "1.0.0.1"
DEFAULT_PERIOD = {"Extensions.GoalStatePeriod": 6, "Extensions.InitialGoalStatePeriod": 6}
ROWS = ("goal state changed until the VM agent read it", "read until enable was started",
        "enable started until the final status file, with the host's calls", "the host's calls",
        "our share: enable and worker without the host's calls", "final status file until reported",
        "goal state changed until the end was reported")


class AgentShare(agent_case.AgentTest):
    options = DEFAULT_PERIOD

    def test_rounds(self):
        rounds = []
        with trial.writer(WRITER, self.mounts):
            for sequence in range(1, int(os.environ.get("SP_ROUNDS", "15")) + 2):
                times = self.one(sequence)
                if sequence > 1:  # the first one is preceded by the installation
                    rounds.append(times)
        for row, values in zip(ROWS, zip(*rounds)):
            print(f"{row}: median {statistics.median(values):.0f} ms, worst {max(values):.0f} ms of {len(values)}")

    def one(self, sequence):
        """Milliseconds, in the order of ROWS."""
        seen = len(self.world.front.lines)
        extension = self.world.backup(VERSION, sequence)
        incarnation = self.fabric.want(extension)
        changed = time.time_ns()
        handler = self.wait_for_end(extension)
        reported = next(report.at_ns for report in self.fabric.reports if report.incarnation == incarnation
                        and report.handler(world.NAME).document == handler.document)
        self.check_success(handler, extension)
        started = self.agent.commands()[-1][0]
        written = (agent.FOLDER / f"{world.NAME}-{VERSION}/status/{sequence}.status").stat().st_mtime_ns
        host_ms = sum(line["front_ms"] for line in self.world.front.lines[seen:]
                      if line.get("request", "").endswith(("/presnapshot", "/dosnapshot")))
        read = self.fabric.served[incarnation]
        ended = (written - started) / 1e6
        return [(read - changed) / 1e6, (started - read) / 1e6, ended, host_ms, ended - host_ms,
                (reported - written) / 1e6, (reported - changed) / 1e6]


if __name__ == "__main__":
    WRITER = pathlib.Path(sys.argv.pop(2)).resolve()
    agent_case.run_tests()
