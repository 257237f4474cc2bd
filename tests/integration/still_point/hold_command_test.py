#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`stillpoint hold` as an administrator uses it: for how long it holds, and what its exit code says.

    hold_command_test.py STILLPOINT        under tests/scratch/scratch.py run
"""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

STILLPOINT = None


def mounts():
    with open(os.environ["SP_SCRATCH"], encoding="utf-8") as file:
        return [disk["mount"] for disk in json.load(file)["disks"]]


def hold(*arguments, **options):
    """Exit code, evidence, seconds between the action's begin and end."""
    done = subprocess.run([STILLPOINT, "hold", "--json", "--only", mounts()[0], *arguments], check=False,
                          stdout=subprocess.PIPE, text=True, timeout=60, **options)
    evidence = json.loads(done.stdout)
    took = (evidence["action_ended_ns"] - evidence["action_begun_ns"]) / 1e9 if evidence["held"] else None
    return done.returncode, evidence, took


class Hold(unittest.TestCase):
    def test_takes_several_mounts_behind_one_option_and_a_command_behind_the_dashes(self):
        code, evidence, _ = hold(*mounts()[1:], "--", "sh", "-c", "exit 0")
        self.assertEqual(0, code)
        self.assertEqual(sorted(mounts()), sorted(one["mount_point"] for one in evidence["filesystems"]))

    def test_ends_with_the_command_although_it_closes_all_it_inherited(self):
        code, evidence, took = hold("--", sys.executable, "-c",
                                    "import os, time; os.closerange(3, 1000); time.sleep(0.5)")
        self.assertEqual((0, True), (code, evidence["held_throughout"]))
        self.assertGreaterEqual(took, 0.5)

    def test_ends_with_the_command_although_it_leaves_a_daemon(self):
        code, _, took = hold("--", "sh", "-c", "sleep 5 >/dev/null 2>&1 &")
        self.assertEqual(0, code)
        self.assertLess(took, 4)

    def test_learns_of_the_end_although_its_parent_ignored_children(self):
        code, _, took = hold("--", "true", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(0, code)
        self.assertLess(took, 4)

    def test_reports_a_command_that_fails(self):
        self.assertEqual(4, hold("--", "false")[0])
        self.assertEqual(4, hold("--", "/nonexistent")[0])

    def test_a_command_that_overruns_is_not_held_throughout(self):
        code, evidence, _ = hold("--limit", "500ms", "--", "sleep", "1")
        self.assertEqual((3, True, False), (code, evidence["overran"], evidence["held_throughout"]))

    def test_ends_at_the_end_of_input(self):
        self.assertEqual(0, hold("--until-eof", input="line\n")[0])

    def test_a_stop_signal_lets_go_and_is_not_success(self):
        with subprocess.Popen([STILLPOINT, "hold", "--only", mounts()[0], "--for", "15s"]) as worker:
            time.sleep(1)
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(4, worker.wait(timeout=10))
        subprocess.run(["touch", f"{mounts()[0]}/after"], check=True, timeout=5)


if __name__ == "__main__":
    STILLPOINT = sys.argv.pop(1)
    unittest.main(verbosity=2)
