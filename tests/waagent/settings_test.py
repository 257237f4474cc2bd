#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings that the real VM agent may pass on, but that are no ordinary request."""
import dataclasses

import agent_case
import goal_state
import tenant
import world

VERSION = "1.0.0.1"


class SettingsTest(agent_case.AgentTest):
    def test_no_settings_at_first_and_then_some_of_the_same_number(self):
        """Without settings the VM agent makes an empty file 0.settings, and calls with number 0."""
        self.fabric.want(goal_state.Extension(world.NAME, VERSION))
        report = self.fabric.wait_for(lambda report: report.handler(world.NAME) is not None, "the extension", 30)
        handler = report.handler(world.NAME)
        self.assertEqual(("Ready", 0, None), (handler.state, handler.code, handler.sequence))
        self.assertEqual(0, self.world.snapshots())

        first = self.world.backup(VERSION, 0)
        self.check_success(self.want_and_wait(first), first)
        self.assertEqual(1, self.world.snapshots())

    def test_protected_settings_for_a_certificate_that_the_guest_never_gets(self):
        stranger = tenant.Tenant(agent_case.Context.place.work / "stranger")
        request = dataclasses.replace(self.world.backup(VERSION, 1), sealed=stranger.seal({"objectStr": "e30="}),
                                      thumbprint=stranger.thumbprint)
        handler = self.want_and_wait(request)
        report = agent_case.inner(handler)
        self.assertEqual(("Ready", "1", "success"), (handler.state, report["code"], report["status"]))
        self.assertEqual(16, report["vmHealthInfo"]["vmHealthStatusCode"])
        self.assertEqual((1, 0), (self.world.snapshots(), self.world.uploads("status/vm.status")))


if __name__ == "__main__":
    agent_case.run_tests()
