#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Under systemd: the guard is a service, and whoever dies, everything is let go.

    systemd_test.py FOLDER      with the static executables; as root; boots virtual machines
"""
import statistics

from held import DATA, STILLPOINT, UNITS, LabTest, main, report

ONLY_DATA = "--only " + " ".join(DATA)
ROUNDS = 10
# Both dead: systemd's part, the slowest. On a machine with many others at work one round may take longer.
LET_GO_MEDIAN_MS = 2000
LET_GO_WORST_MS = 10000


class Service(LabTest):
    def test_the_guard_is_a_transient_service_and_there_is_no_watcher(self):
        self.start_writers(*DATA)
        running = self.begin(ONLY_DATA)
        units = self.guest.run(f"systemctl list-units --no-legend --plain '{UNITS}'").text.split()
        guards = self.guest.run("pidof stillpoint-guard").text.split()
        parents = self.guest.run(f"ps -o ppid= -p {running.guard}").text.split()
        evidence = self.end(running)
        self.stop_writers(*DATA)

        self.assertEqual("active", units[2])
        self.assertEqual([str(running.guard)], guards)
        self.assertEqual(["1"], parents)
        self.assertEqual(3, len(evidence["filesystems"]))

    def test_the_evidence_of_a_hold_under_load_is_good(self):
        self.start_writers(*DATA)
        status, evidence = self.hold(f"{ONLY_DATA} --for 1s")
        longest = self.stop_writers(*DATA)

        self.assert_held(status, evidence)
        self.assertFalse(evidence["guard_lost"] or evidence["overran"])
        report("held window", [evidence["window_ms"]])
        for milliseconds in longest.values():  # the load saw it
            self.assertGreaterEqual(milliseconds, 900)


class SlowSystemd(LabTest):
    """systemd does not start the guard in time, and starts it after all while the hold goes on without it."""

    # Whoever waits for it gives up and kills it; what it asked for is on its way all the same.
    SLOW = """mkdir -p /run/slow
        cat >/run/slow/systemd-run <<'END'
#!/bin/sh
setsid sh -c 'sleep {seconds}; /run/slow/real "$@"; echo $? >/run/slow/began' late "$@" </dev/null >/dev/null 2>&1 &
exec sleep 60
END
        cp /usr/bin/systemd-run /run/slow/real
        chmod 755 /run/slow/systemd-run
        mount -o remount,exec /run
        mount --bind /run/slow/systemd-run /usr/bin/systemd-run"""

    def test_the_hold_has_a_guard_and_a_watcher_of_its_own(self):
        self.guest.run(self.SLOW.format(seconds=11))
        try:
            running = self.begin(f"{ONLY_DATA} --limit 30s")
            pids = [int(pid) for pid in self.guest.run("pidof stillpoint-guard").text.split()]
            parents = self.guest.run(f"ps -o ppid= -p {' '.join(map(str, pids))}").text.split()
            self.guest.run("timeout 20 sh -c 'until [ -e /run/slow/began ]; do sleep 0.1; done'")
            self.guest.run(f"timeout 20 sh -c 'while systemctl is-active -q \"{UNITS}\"; do sleep 0.1; done'")
            late = self.guest.run("pidof stillpoint-guard").text.split()
            self.assert_blocked(DATA[0])
            guard = min(pids)
            times = self.probe(LET_GO_WORST_MS / 1000, DATA, f"kill -KILL {guard}")
            evidence = self.end(running)
        finally:
            self.guest.run("umount /usr/bin/systemd-run")

        self.assertEqual([str(running.worker)] * 2, parents)
        self.assertEqual(sorted(pids), sorted(map(int, late)), "the late service stayed")
        self.assertNotIn(None, times.values())
        self.assertTrue(evidence["guard_lost"])
        self.assertEqual([0] * 3, [one["thaw_errno"] for one in evidence["filesystems"]])


class Deaths(LabTest):
    def let_go(self, name, deadly, mounts=DATA, options=ONLY_DATA):
        """Rounds of a hold and of something that ends it; the evidence of those whose worker could give it."""
        worst = []
        evidence = []
        for _ in range(ROUNDS):
            running = self.begin(options)
            self.assert_blocked(mounts[0])
            times = self.probe(LET_GO_WORST_MS / 1000, mounts,
                               deadly.format(worker=running.worker, guard=running.guard, units=UNITS))
            self.assertNotIn(None, times.values())
            worst.append(max(times.values()))
            evidence.append(self.end(running))
            self.assert_nothing_left()
        report(f"writable after {name}", worst)
        self.assertLess(statistics.median(worst), LET_GO_MEDIAN_MS)
        return [one for one in evidence if one]

    def assert_thawed_once(self, evidence):
        self.assertEqual(ROUNDS, len(evidence))
        for one in evidence:
            self.assertTrue(one["guard_lost"])
            for filesystem in one["filesystems"]:
                self.assertEqual((True, 0), (filesystem["owner_lost"], filesystem["thaw_errno"]), filesystem)

    def test_nothing_dies(self):
        report("writable when nothing was frozen", [max(self.probe(10, DATA).values()) for _ in range(ROUNDS)])

    def test_the_guard_is_killed(self):
        self.assert_thawed_once(self.let_go("SIGKILL of the guard", "kill -KILL {guard}"))

    def test_the_guards_unit_is_killed(self):
        self.let_go("SIGKILL of the guard's unit", "systemctl kill -s KILL --kill-whom=all \"{units}\"")

    def test_the_worker_is_killed(self):
        self.assertEqual([], self.let_go("SIGKILL of the worker", "kill -KILL {worker}"))

    def test_both_are_killed(self):
        # Stopped first, so that neither can do anything about the death of the other.
        self.assertEqual([], self.let_go("SIGKILL of both", "kill -STOP {worker} {guard}; kill -KILL {worker} {guard}"))

    def test_the_guard_is_killed_while_the_worker_is_stopped(self):
        self.assert_thawed_once(self.let_go("SIGKILL of the guard beside a stopped worker",
                                            "kill -STOP {worker}; kill -KILL {guard}"))

    def test_the_worker_and_the_guards_unit_are_killed(self):
        self.let_go("SIGKILL of the worker and the guard's unit",
                    "kill -STOP {worker}; systemctl kill -s KILL --kill-whom=all \"{units}\"; kill -KILL {worker}")

    def test_the_workers_unit_is_stopped(self):
        for deadly in ("systemctl stop lab-worker", "systemctl kill -s KILL --kill-whom=all lab-worker"):
            self.guest.run("rm -f /run/held; systemd-run --quiet --collect --unit=lab-worker "
                           f"--property=StandardOutput=file:/run/hold.json {STILLPOINT} hold {ONLY_DATA} --json "
                           "-- sh -c 'echo > /run/held; exec sleep 60'; "
                           "timeout 30 sh -c 'until [ -e /run/held ]; do sleep 0.05; done'")
            self.assert_blocked(DATA[0])
            times = self.probe(LET_GO_WORST_MS / 1000, DATA, deadly)
            self.assertNotIn(None, times.values())
            report(f"writable after {deadly}", times.values())
            self.assert_nothing_left()


class RootHeld(Deaths):
    """Everything is held, the system's own disk too: what thaws must live without it."""

    test_nothing_dies = test_the_guards_unit_is_killed = test_the_workers_unit_is_stopped = None
    test_the_guard_is_killed = test_the_worker_is_killed = None
    test_the_guard_is_killed_while_the_worker_is_stopped = None

    def let_go(self, name, deadly, mounts=("/", *DATA, "/data/dm", "/data/lv-ext4", "/data/lv-xfs"), options="--all"):
        evidence = super().let_go(f"{name}, root held", deadly, mounts, options)
        self.assert_system_is_well()
        return evidence

    def assert_system_is_well(self):
        mark = self.guest.run("mark=lab-$$; logger $mark; echo >/var/log/$mark; echo $mark").text.strip()
        self.guest.run(f"timeout 20 sh -c 'until journalctl --no-pager -n 200 | grep -q {mark}; do sleep 0.2; done'")
        self.guest.run("systemctl is-active cron systemd-journald systemd-udevd")
        blocked = self.guest.run("ps -eo stat=,comm= | grep ^D", check=False).text
        self.assertEqual("", blocked)

    def test_everything_is_held_and_let_go(self):
        running = self.begin("--all")
        self.assert_blocked("/", "/data/dm")
        # What the system writes meanwhile waits; it must not wait for ever afterwards.
        self.guest.run("setsid logger -- while held & setsid sh -c 'echo > /var/log/while-held' & true")
        evidence = self.end(running)

        self.assertTrue(evidence["held"], evidence["error"])
        self.assertIn("/", [one["mount_point"] for one in evidence["filesystems"]])
        self.assertTrue(all(one["held_until_thaw"] for one in evidence["filesystems"]), evidence)
        self.assertEqual(["/data/efi"], [one["mount_point"] for one in evidence["watched"] if one["still"]])
        self.assert_system_is_well()
        self.guest.run("timeout 20 sh -c 'until [ -e /var/log/while-held ]; do sleep 0.1; done'")

if __name__ == "__main__":
    main()
