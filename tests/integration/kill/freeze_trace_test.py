# SPDX-License-Identifier: Apache-2.0
"""The judge of the kill campaign judged: strace output in, complaints out."""
import unittest

import freeze_trace


def complaint(*lines):
    return freeze_trace.count(lines, ["/s/0"])["/s/0"].complaint()


FREEZE = "7 ioctl(5</s/0>, FIFREEZE, 0) = 0"
THAW = "7 ioctl(5</s/0>, FITHAW, 0) = 0"
REFUSED_THAW = "8 ioctl(6</s/0>, FITHAW, 0) = -1 EINVAL (Invalid argument)"


class FreezeTrace(unittest.TestCase):
    def test_one_thaw_for_each_freeze_is_right(self):
        self.assertIsNone(complaint(FREEZE, THAW, FREEZE, THAW, REFUSED_THAW))

    def test_a_second_thaw_is_found(self):
        self.assertIn("thawed 2 times", complaint(FREEZE, THAW, THAW))

    def test_a_freeze_left_alone_is_found(self):
        self.assertIn("frozen 1 times", complaint(FREEZE, REFUSED_THAW))

    def test_calls_on_other_files_do_not_count(self):
        self.assertIsNone(complaint("7 ioctl(5</s/01>, FITHAW, 0) = 0",
                                    "7 ioctl(1</s/0>, TCGETS) = 0"))

    def test_an_interrupted_line_is_joined(self):
        started = "7 ioctl(5</s/0>, FIFREEZE, 0 <unfinished ...>"
        self.assertIn("frozen 1", complaint(started, "8 exit(0) = ?", "7 <... ioctl resumed>) = 0"))

    def test_a_freeze_whose_thread_died_allows_a_thaw_but_does_not_ask_for_it(self):
        for end in ("7 <... ioctl resumed>) = ?", "7 +++ killed by SIGKILL +++"):
            started = ("7 ioctl(5</s/0>, FIFREEZE, 0 <unfinished ...>", end)
            self.assertIsNone(complaint(*started))
            self.assertIsNone(complaint(*started, THAW))
            self.assertIsNotNone(complaint(*started, THAW, THAW))


if __name__ == "__main__":
    unittest.main()
