#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays recordings of the extension that came before and compares what ours asks for and writes.

    replay_test.py BIN_FOLDER [RECORDINGS] [--only NAME]... [--show] [--waiting]    as root

One line for each recording: "same", "N listed differences", "UNLISTED" with the differences, or why it is skipped.
RECORDINGS is a folder of them; without it, the one beside this file. --show prints the listed differences too,
--waiting plays as well what waits for a part of the product that is not there yet.
"""
import argparse
import os
import pathlib
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import room  # noqa: E402  first: it makes the others findable
import compare  # noqa: E402
import guest  # noqa: E402
import listed  # noqa: E402
import network  # noqa: E402
import play  # noqa: E402
import recording  # noqa: E402
import server  # noqa: E402
import trial  # noqa: E402

OWN = HERE / "recordings"
COMPATIBILITY = HERE.parents[1] / "docs/compatibility.md"
STORE_NAMES = {"mockacct.blob.core.windows.net"}
# What a run may need that the product does not do yet. An entry is removed when it does.
WAITING = {}


def reason_to_skip(one, waiting):
    if not one.asks_for_a_backup:
        return "waiting for snapshots that the host begins" if one.requests else "it holds no backup"
    return next((reason for need, reason in waiting.items() if any(run.special.get(need) for run in one.runs)), None)


class Report:
    def __init__(self, given):
        self._listed, self._show, self.failed = listed.Listed(), given.show, []

    def of(self, one, played):
        differences = compare.of_played(one, played)
        count, unlisted = self._listed.split(one.name, differences)
        verdict = "UNLISTED" if unlisted else f"{count} listed differences" if count else "same"
        print(f"{one.name}: {verdict} ({played.seconds:.1f} s)")
        for difference in differences if self._show else unlisted:
            print(f"    {'! ' if difference in unlisted else ''}{difference}")
        if unlisted:
            self.failed.append(one.name)

    def broken(self, one):
        print(f"{one.name}: BROKEN")
        traceback.print_exc(file=sys.stdout)
        self.failed.append(one.name)

    def end(self, partly):
        for line in self._listed.stale(partly) + self._listed.without_row(COMPATIBILITY):
            print(f"differences.json: {line}")
            self.failed.append("differences.json")
        print(f"{len(self.failed)} failed" + (f": {', '.join(self.failed)}" if self.failed else ""))
        return 1 if self.failed else 0


def play_all(given, recordings, place):
    names = STORE_NAMES.union(*(one.store_names for one in recordings))
    world = guest.World(place, given.programs.resolve(), names)
    host_server = server.Server((network.HOST_ADDRESS, 80), "host")
    store_server = server.Server(("127.0.0.1", 443), "blob", tls=world.tls[1:])
    report = Report(given)
    for one in recordings:
        if reason := reason_to_skip(one, {} if given.waiting else WAITING):
            print(f"{one.name}: skipped: {reason}")
            continue
        try:
            there = guest.Guest(world, one)
            try:
                report.of(one, play.Player(there, host_server, store_server).play())
            finally:
                there.close()
        except Exception:
            report.broken(one)
        sys.stdout.flush()
    return report.end(partly=bool(given.only) or given.recordings != OWN)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path, metavar="BIN_FOLDER")
    parser.add_argument("recordings", type=pathlib.Path, nargs="?", default=OWN)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--waiting", action="store_true")
    given = parser.parse_args()
    recordings = [one for one in recording.load_all(given.recordings) if not given.only or one.name in given.only]
    if not recordings:
        parser.error(f"there is no such recording in {given.recordings}")
    trial.skip_unless(root=True, tools=("openssl", "mkfs.ext4", "mkfs.xfs", "strip"))
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it would have to trace processes that nobody waits for
    return room.run(lambda place: play_all(given, recordings, place), guest.FILESYSTEMS)


if __name__ == "__main__":
    sys.exit(main())
