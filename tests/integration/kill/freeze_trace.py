# SPDX-License-Identifier: Apache-2.0
"""Counts what strace saw of FIFREEZE and FITHAW, per mount point.

Reads the output of `strace -f -y -e trace=ioctl -o FILE`. A call whose thread was killed inside it
has no answer: it may have worked or not, so it is counted apart.
"""
import collections
import re

CALL = re.compile(r"^(\d+) +ioctl\(\d+<([^>]*)>, (FIFREEZE|FITHAW)\b(.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. ioctl resumed>.*= (\S+)")
ANSWER = re.compile(r"\) += (\S+)")


class Counts:
    def __init__(self):
        self.succeeded = collections.Counter()
        self.unanswered = collections.Counter()
        self.refused = collections.Counter()

    def note(self, request, answer):
        if answer == "0":
            self.succeeded[request] += 1
        elif answer is None or answer == "?":
            self.unanswered[request] += 1
        else:
            self.refused[request] += 1

    def complaint(self):
        """None, or what is wrong: a freeze without its thaw, or a thaw without its freeze."""
        freezes, maybe_freezes = self.succeeded["FIFREEZE"], self.unanswered["FIFREEZE"]
        thaws, maybe_thaws = self.succeeded["FITHAW"], self.unanswered["FITHAW"]
        if thaws > freezes + maybe_freezes:
            return f"thawed {thaws} times, frozen {freezes} (and perhaps {maybe_freezes})"
        if thaws + maybe_thaws < freezes:
            return f"frozen {freezes} times, thawed {thaws} (and perhaps {maybe_thaws})"
        return None


def count(lines, mounts):
    """{mount point: Counts}; other ioctls and other files are passed over."""
    result = {point: Counts() for point in mounts}
    open_calls = {}
    for line in lines:
        call, resumed = CALL.match(line), RESUMED.match(line)
        if call:
            thread, point, request, rest = call.groups()
            if point not in result:
                continue
            answer = ANSWER.search(rest)
            if "<unfinished" in rest:
                open_calls[thread] = (point, request)
            else:
                result[point].note(request, answer.group(1) if answer else None)
        elif resumed and resumed.group(1) in open_calls:
            point, request = open_calls.pop(resumed.group(1))
            result[point].note(request, resumed.group(2))
    for point, request in open_calls.values():
        result[point].note(request, None)
    return result
