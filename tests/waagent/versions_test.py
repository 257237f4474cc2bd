#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Versions of the extension that come and go under the real VM agent while a backup runs."""
import dataclasses

import agent_case
import agent
import rig
import trial
import world

OLD, NEW = "1.0.0.1", "1.0.0.2"
# The VM agent notices 2 s after its start that `enable` has ended, and only then looks for another goal state.
HOLD_MS = 9000


def folder(version):
    return agent.FOLDER / f"{world.NAME}-{version}"


class VersionsTest(agent_case.AgentTest):
    def setUp(self):
        super().setUp()
        self.world.publish(NEW)

    def begin_slow_backup(self, version, sequence):
        """A backup whose host takes long to answer; returns while everything is held."""
        extension = self.world.backup(version, sequence)
        self.world.make_slow(HOLD_MS)
        self.fabric.want(extension)
        self.wait_for_hold()
        self.world.make_slow(0)
        return extension

    def wait_for_command(self, version, command):
        trial.wait_until(lambda: (version, command) in self.commands_after(0), f"{command} of {version}", 30)

    def test_an_update_while_a_backup_runs_and_a_downgrade(self):
        begun = self.begin_slow_backup(OLD, 1)
        updated = dataclasses.replace(begun, version=NEW)
        self.fabric.want(updated)
        self.wait_for_command(OLD, "disable")
        self.assertTrue(rig.ours("worker"), "the backup had ended before the update began: nothing is shown")
        facts = self.check_success(self.wait_for_end(updated), updated)
        self.assertEqual(OLD, facts["extensionVersion"])
        self.assertEqual([(OLD, "disable"), (NEW, "update"), (OLD, "uninstall"), (NEW, "install"), (NEW, "enable")],
                         self.commands_after(2))
        self.assertFalse(folder(OLD).exists())
        second = self.world.backup(NEW, 2)
        facts = self.check_success(self.want_and_wait(second), second)
        self.assertEqual((NEW, 2), (facts["extensionVersion"], self.world.snapshots()))

        count = len(self.agent.commands())
        again = dataclasses.replace(second, version=OLD)
        facts = self.check_success(self.want_and_wait(again), again)
        self.assertEqual((NEW, 2), (facts["extensionVersion"], self.world.snapshots()))
        self.assertEqual([(NEW, "disable"), (NEW, "update"), (NEW, "uninstall"), (OLD, "install"), (OLD, "enable")],
                         self.commands_after(count))
        self.assertFalse(folder(NEW).exists())
        third = self.world.backup(OLD, 3)
        facts = self.check_success(self.want_and_wait(third), third)
        self.assertEqual((OLD, 3), (facts["extensionVersion"], self.world.snapshots()))

    def test_a_version_that_is_gone_from_the_goal_state_while_a_backup_runs(self):
        self.begin_slow_backup(OLD, 1)
        self.fabric.want()
        self.fabric.wait_for(lambda report: report.handler(world.NAME) is None, "nothing of the extension", 30)
        self.assertEqual([(OLD, "install"), (OLD, "enable")], self.commands_after(0))
        self.assertFalse(folder(OLD).exists())
        self.assertTrue(rig.ours("worker"), "the backup had ended before the folder went: nothing is shown")
        trial.wait_until(lambda: not rig.ours(), "the worker to end", 30)
        self.assertFalse(folder(OLD).exists(), "the folder was made again")
        self.assertEqual(2, self.world.uploads("status/vm.status"))  # the vault is told all the same
        after = self.world.backup(OLD, 2)
        self.check_success(self.want_and_wait(after), after)


if __name__ == "__main__":
    agent_case.run_tests()
