#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one backup asks of the kernel, counted by strace from `enable` to the last process: whether it sleeps, how
often it reads what it was told, what it starts, and what happens while everything is held. Counts, never times."""
import os
import pathlib
import re
import shutil
import sys
import unittest

import case
import outcome
import request
import rig

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration/kill"))
import freeze_trace  # noqa: E402

CALLS = "execve,openat,open,creat,nanosleep,clock_nanosleep,ioctl,fork,vfork,clone,clone3"
SLEEPS = ("nanosleep", "clock_nanosleep")
NAME = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)[ (]")
# How often each is read: by enable, by the worker, and ours by the program that looks at the encryption, too.
CONFIGURED = {rig.ETC_AZURE / "vmbackup.conf": 2, rig.ETC_OWN / "stillpoint.conf": 3}


@unittest.skipUnless(shutil.which("strace"), "needs strace")
class TracedTest(outcome.OutcomeTest):
    def traced_backup(self, public, *rules):
        """The status, and strace's lines from the extension's own first one on."""
        self.start_front()
        self.configure(limit_s=10)
        trace = self.folder / "trace"
        started = self.guest.base / "traced"
        # The leak sanitizer would have to trace what is being traced.
        started.write_text("#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=0\n"
                           f"exec strace -D -f -y -qq -e trace={CALLS} -o {trace} "
                           f"{self.guest.base}/bin/stillpoint enable\n", encoding="ascii")
        started.chmod(0o700)
        self.guest.replace_command("enable", "traced")
        status = self.backup(public, *rules, blobs=self.blobs())
        case.trial.wait_until(lambda: not any("strace" in " ".join(words) for words in rig.processes().values()),
                              "strace to end")
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        own = next(number for number, line in enumerate(lines) if "/bin/stillpoint\"" in line and "execve" in line)
        return status, lines[own:]

    @staticmethod
    def named(lines, *names):
        return [line for line in lines if (found := NAME.match(line)) and found[2] in names]

    def opened(self, lines, path):
        return [line for line in self.named(lines, "open", "openat") if f"{path}>" in line or f'"{path}"' in line]

    @staticmethod
    def while_held(lines):
        """Behind the last freeze, before the first thaw after it."""
        frozen = max(number for number, line in enumerate(lines) if "FIFREEZE" in line)
        thawed = next(number for number, line in enumerate(lines) if number > frozen and "FITHAW" in line)
        return lines[frozen + 1:thawed]

    def check_trace(self, lines):
        # Two milliseconds between looks at a process that is ending, of which no event tells; nothing else.
        sleeps = [line for line in self.named(lines, *SLEEPS) if "resumed" not in line]
        self.assertEqual([], [line for line in sleeps if "{tv_sec=0, tv_nsec=2000000}" not in line], "it sleeps")
        keys = self.opened(lines, self.guest.key)
        self.assertEqual(1, len(keys), keys)
        for path, times in CONFIGURED.items():
            self.assertEqual(times, len(self.opened(lines, path)), path)
        programs = [re.search(r'execve\("([^"]+)"', line)[1] for line in self.named(lines, "execve") if '("' in line]
        self.assertEqual({"stillpoint", "stillpoint-guard"}, {os.path.basename(program) for program in programs},
                         programs)
        self.assertEqual({str(self.guest.base / "bin")}, {os.path.dirname(program) for program in programs})
        for mount, counts in freeze_trace.count(lines, self.mounts).items():
            self.assertIsNone(counts.complaint(), mount)
            self.assertEqual(2, counts.succeeded["FIFREEZE"], "a rehearsal and a hold")
        # The watcher looks at its neighbours in /proc, which no filesystem holds up.
        held = [line for line in self.while_held(lines) if '"/proc/' not in line]
        self.assertEqual([], self.named(held, "open", "openat", "creat", "execve", "fork", "vfork", "clone", "clone3",
                                        *SLEEPS), "while held")

    def test_a_backup_by_the_host(self):
        status, lines = self.traced_backup(request.public(), {"path": "dosnapshot", "delay_ms": 100})
        self.check_success(status)
        self.check_trace(lines)

    def test_a_backup_by_the_guest(self):
        status, lines = self.traced_backup(outcome.by_guest(), {"path": "", "comp": "snapshot", "delay_ms": 100})
        self.check_success(status)
        self.check_trace(lines)


if __name__ == "__main__":
    case.run_tests()
