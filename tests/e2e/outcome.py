# SPDX-License-Identifier: Apache-2.0
"""For tests of how a run ends: one guest, one front, as many backups as there are causes.

Each end is compared as the vault reads it: number, status word, health, level, disks, and a text that names what
failed. What a number means (its colour, whether to try again) is repeated here from the published table, so that the
catalogue cannot agree with itself alone.
"""
import base64
import contextlib
import dataclasses
import json
import socket
import struct
import subprocess
import threading

import case
import request
import scratch

GREEN, YELLOW, RED = 0, 128, 256
NONE, FILE_SYSTEM, APPLICATION, CRASH = range(4)
SHOWN = {1: (GREEN, "no"), 2: (GREEN, "yes"), 11: (YELLOW, "no"), 16: (YELLOW, "yes"), 76: (RED, "yes"),
         85: (RED, "no"), 121: (YELLOW, "yes"), 122: (YELLOW, "yes"), 123: (YELLOW, "yes"), 124: (YELLOW, "no"),
         173: (GREEN, "yes"), 402: (RED, "yes"), 556: (RED, "yes"), 761: (RED, "yes")}


@dataclasses.dataclass
class Cause:
    """One thing that goes wrong, and how the run must end."""
    name: str
    rules: tuple = ()          # of the front
    code: int = 76
    health: int = None         # the same as the code
    taken: list = None         # None: no list of disks
    says: tuple = ()           # texts of the message


class OutcomeTest(case.EndToEnd):
    advised = set()  # numbers whose explanation has been looked at

    def setUp(self):
        super().setUp()
        self.number = 0
        self.started_at = 0

    def backup(self, public, *rules, blobs=(), sealed=None):
        """One backup under these faults, to its end and until nothing of it is left. Its final document."""
        self.break_things(*rules)
        self.number += 1
        self.started_at = self.front_lines()
        self.guest.write_settings(self.number, public, sealed or self.protected(blobs))
        status = self.guest.backup(self.number)
        self.check_nothing_is_left()
        return status

    def front_lines(self):
        """How many the front has printed, all of them read."""
        before = len(self.front.lines)
        self.front.call("GET", "/line-by-line")
        case.trial.wait_until(lambda: any("/line-by-line" in line.get("request", "")
                                          for line in self.front.lines[before:]), "the front's own line")
        return len(self.front.lines)

    def calls_now(self, what):
        """Those of the last backup."""
        end = self.front_lines()
        return [line for line in self.front.lines[self.started_at:end] if "request" in line
                and what in f"{line['request']} {line.get('comp') or ''}"]

    def snapshot_calls(self):
        return [line for line in self.calls_now("disks/") if line["comp"] == "snapshot"]

    def check_end(self, status, cause):
        """Of a run that failed. The outer status of a machine of today's kind says "success" all the same."""
        health = cause.health or cause.code
        state = SHOWN[health][0] if cause.code != 2 else YELLOW
        self.assertEqual((cause.code, "error", NONE), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual(("success", "none"), (status.outer["status"], status.facts["consistencyType"]))
        self.assertEqual({"vmHealthState": state, "vmHealthStatusCode": health}, status.health, status)
        for text in cause.says:
            self.assertIn(text, status.message["messageStr"])
        if cause.taken is None:
            self.assertFalse(status.disks, status)
        else:
            self.assertEqual(cause.taken, [disk["isSuccessful"] for disk in status.disks], status)
        for code in {cause.code, health} - self.advised:
            self.check_advice(code)

    def check_advice(self, code):
        self.advised.add(code)
        shown = subprocess.run([self.guest.base / "bin/stillpoint", "explain", str(code)], check=True, timeout=30,
                               capture_output=True, text=True).stdout
        self.assertIn(f"  retry: {SHOWN[code][1]}\n", shown)
        self.assertIn("  what to do: ", shown)

    def check_success(self, status, level=FILE_SYSTEM, health=1):
        self.assertEqual((1, "success", level), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual({"vmHealthState": YELLOW if health != 1 else GREEN, "vmHealthStatusCode": health},
                         status.health, status)

    def check_each(self, causes, public, blobs, calls):
        """A backup for each cause; `public` and `blobs` are made anew for each. No call is repeated: `calls` tells how
        many there are."""
        for cause in causes:
            with self.subTest(cause.name):
                self.check_end(self.backup(public(), *cause.rules, blobs=blobs()), cause)
                self.assertEqual(calls, len(self.snapshot_calls() + self.calls_now("dosnapshot")))


@contextlib.contextmanager
def resetting_server():
    """A port of the loopback where every connection is reset as soon as it is there."""
    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def by_guest(**changes):
    return request.public("onlyGuest", luns=(), **changes)


def settings(mode, disks=None, custom=None, luns=(0, 1, 2), **inner):
    """publicSettings with these members of includedDisks, customSettings and of the object; None removes one."""
    public = request.public(mode, luns=luns)
    held = json.loads(base64.b64decode(public["objectStr"]))
    if disks is not None:
        held["includedDisks"] = changed(held.get("includedDisks", {}), disks)
    public["objectStr"] = request.encoded(changed(held, inner))
    public["customSettings"] = json.dumps(changed(json.loads(public["customSettings"]), custom or {}))
    return public


def changed(members, changes):
    return {key: value for key, value in {**members, **changes}.items() if value is not None}


def frozen(mount):
    """As somebody else's freeze."""
    return scratch.held([mount])
