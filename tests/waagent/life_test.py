#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One version under the real VM agent: what it reports of our backups, and that nothing but new settings begins one."""
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal

import agent_case
import agent
import rig
import scratch
import trial
import world

VERSION = "1.0.0.1"
FOLDER = agent.FOLDER / f"{world.NAME}-{VERSION}"
# The VM agent needs that long to end and to call `enable` again.
RESTART_MS = 16000


class LifeTest(agent_case.AgentTest):
    def test_from_installation_to_removal(self):
        first = self.world.backup(VERSION, 1, cipher="DES_EDE3_CBC")
        facts = self.check_success(self.want_and_wait(first), first)
        self.assertEqual(VERSION, facts["extensionVersion"])
        self.assertEqual([(VERSION, "install"), (VERSION, "enable")], self.commands_after(0))
        self.check_uploads(2)
        self.check_protected_settings_are_gone(first)
        self.check_secrets()

        self.world.tenant.rotate()
        second = self.world.backup(VERSION, 2)
        self.check_success(self.want_and_wait(second), second)
        self.assertEqual(2, self.world.snapshots())
        self.check_uploads(4)
        self.check_events(first, second)  # before a restart, at which the VM agent loses those it has collected

        with self.nothing_begins(second):
            self.fabric.want(second)
        with self.nothing_begins(second):
            self.agent.stop()
            self.agent.start()

        self.fabric.want(dataclasses.replace(second, state="disabled"))
        report = self.fabric.wait_for(lambda report: report.handler(world.NAME).state == "NotReady", "disabled", 30)
        handler = report.handler(world.NAME)
        self.assertEqual((0, "Plugin disabled", 2), (handler.code, handler.message, handler.sequence))
        with self.nothing_begins(second):
            self.fabric.want(second)

        count = len(self.agent.commands())
        self.fabric.want(dataclasses.replace(second, state="uninstall"))
        self.fabric.wait_for(lambda report: report.handler(world.NAME) is None, "removal", 30)
        self.assertEqual([(VERSION, "disable"), (VERSION, "uninstall")], self.commands_after(count))
        self.assertFalse(FOLDER.exists())

    def test_the_vm_agent_restarts_while_a_backup_runs_and_then_the_machine(self):
        first = self.world.backup(VERSION, 1)
        self.world.make_slow(RESTART_MS)
        self.fabric.want(first)
        self.wait_for_hold()
        count = self.wait_for_commands(2)
        self.agent.stop()
        self.assertTrue(rig.ours("worker"), "the backup was stopped with the VM agent")
        self.agent.start()
        self.wait_for_commands(count + 1)
        self.assertTrue(rig.ours("worker"), "the backup had ended before enable was called again: nothing is shown")
        self.check_success(self.wait_for_end(first), first)
        self.assertEqual(1, self.world.snapshots())

        second = self.world.backup(VERSION, 2)
        self.fabric.want(second)
        self.wait_for_hold()
        self.cut_the_power()
        self.world.make_slow(0)
        self.agent.start()
        handler = self.wait_for_end(second)
        self.assertEqual(("Ready", 0), (handler.state, handler.code))
        report = agent_case.inner(handler)
        self.assertEqual(("2", "error", second.public["taskId"]), (report["code"], report["status"], report["taskId"]))
        self.assertIn("restarted", report["formattedMessage"]["message"])
        self.assertEqual(2, self.world.snapshots())

        third = self.world.backup(VERSION, 3)
        self.check_success(self.want_and_wait(third), third)

    def wait_for_commands(self, count):
        trial.wait_until(lambda: len(self.agent.commands()) >= count, f"command number {count}", 30)
        return len(self.agent.commands())

    def cut_the_power(self):
        """Whatever runs is gone at once, and so is what a boot makes anew; /var stays."""
        doomed = rig.ours()
        for signal_number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first: none acts on another's death
            for pid in doomed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal_number)
        self.agent.kill()
        for mount in self.mounts:
            scratch.thaw(mount)  # after a boot nothing is frozen
        trial.wait_until(lambda: not rig.ours(), "everything to be dead")
        for folder in ("/run", "/dev/shm"):
            for entry in pathlib.Path(folder).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    @contextlib.contextmanager
    def nothing_begins(self, extension):
        """Whatever the block does makes the VM agent call `enable` again, and the same is reported as before."""
        snapshots, count = self.world.snapshots(), len(self.agent.commands())
        before = agent_case.inner(self.fabric.reports[-1].handler(world.NAME))
        yield
        handler = self.wait_for_end(extension, len(self.fabric.reports))
        self.assertEqual([(VERSION, "enable")], self.commands_after(count))
        self.assertEqual(before, agent_case.inner(handler))
        self.assertEqual(("Ready", snapshots), (handler.state, self.world.snapshots()))
        self.check_protected_settings_are_gone(extension)

    def check_protected_settings_are_gone(self, extension):
        """The VM agent writes the settings file anew before each `enable`."""
        text = (FOLDER / f"config/{extension.sequence}.settings").read_text(encoding="utf-8")
        self.assertNotIn(extension.sealed, text)
        self.assertEqual(extension.public, json.loads(text)["runtimeSettings"][0]["handlerSettings"]["publicSettings"])

    def check_uploads(self, count):
        """Where the status is to be uploaded stands in protected settings alone: they were opened."""
        trial.wait_until(lambda: self.world.uploads("status/vm.status") >= count, "the document to be uploaded")
        self.assertEqual(count, self.world.uploads("status/vm.status"))

    def check_events(self, *extensions):
        """What we left in the events folder was sent on, and taken away."""
        for extension in extensions:
            task = extension.public["taskId"]
            trial.wait_until(lambda: any(f'Value="{task}"' in body and "worker: ended" in body
                                         for body in self.fabric.telemetry), f"the events of {task}", 30)
        self.assertEqual([], list((agent_case.LOGS / "events").iterdir()))


if __name__ == "__main__":
    agent_case.run_tests()
