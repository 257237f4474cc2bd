# SPDX-License-Identifier: Apache-2.0
"""The differences that are meant: differences.json.

Each entry: `in`, names of recordings or patterns of them, and `not_in`; `what`, an expression for whole lines of
compare.py; `why`; `row`, how its row in docs/compatibility.md begins. An entry that does not occur (any more) in one of
its recordings is a failure like a difference that is not listed, unless it has `sometimes` and occurs in another one,
or `waiting`, which names the work that will end it.
"""
import dataclasses
import fnmatch
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
REPORTS = r"(?:run \d+: )?(?:{}|PUT /status/\S+(?: page)?(?: \(\d+\))?: body): (?:report\.)?status\."
PLACES = {"{document}": REPORTS.format("first|running|final"), "{final}": REPORTS.format("final")}


def expression(text):
    """{document} stands for any status document, {final} for the last one, in the status file or the status blob."""
    for place, meaning in PLACES.items():
        text = text.replace(place, meaning)
    return re.compile(text, re.DOTALL)


@dataclasses.dataclass
class Entry:
    patterns: list
    exceptions: list
    what: re.Pattern
    row: str
    sometimes: bool
    waiting: str
    seen: set = dataclasses.field(default_factory=set)
    played: set = dataclasses.field(default_factory=set)

    def covers(self, name):
        def matches(patterns):
            return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        return matches(self.patterns) and not matches(self.exceptions)


class Listed:
    def __init__(self, path=HERE / "differences.json"):
        self.entries = [Entry(one["in"], one.get("not_in", []), expression(one["what"]), one["row"],
                              one.get("sometimes", False), one.get("waiting", ""))
                        for one in json.loads(path.read_text(encoding="utf-8"))]

    def split(self, name, differences):
        """(how many are listed, those that are not)."""
        unlisted = []
        here = [entry for entry in self.entries if entry.covers(name)]
        for entry in here:
            entry.played.add(name)
        for difference in differences:
            matching = [entry for entry in here if entry.what.fullmatch(difference)]
            for entry in matching:
                entry.seen.add(name)
            if not matching:
                unlisted.append(difference)
        return len(differences) - len(unlisted), unlisted

    def stale(self, partly=False):
        """Entries that are listed for a recording which does not show them. `partly`: not all were played, so what
        occurs in some of them need not have occurred."""
        found = []
        for entry in self.entries:
            missing = entry.played - entry.seen
            if missing and not entry.waiting and not (entry.sometimes and (partly or entry.seen)):
                found.append(f"{entry.what.pattern!r} is listed but does not occur in {', '.join(sorted(missing))}")
        return found

    def without_row(self, compatibility):
        """Entries whose row is not, or not uniquely, in docs/compatibility.md."""
        cells = [line.split("|")[1].strip() for line in compatibility.read_text(encoding="utf-8").splitlines()
                 if line.startswith("| ")]
        return [f"{entry.what.pattern!r}: {count} rows of {compatibility.name} begin with {entry.row!r}"
                for entry in self.entries if not entry.waiting
                if (count := sum(cell.startswith(entry.row) for cell in cells)) != 1]
