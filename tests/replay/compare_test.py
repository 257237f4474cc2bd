#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does compare.py see each kind of difference, and nothing where there is none? Recordings are compared with
themselves, whole and then damaged."""
import copy
import json
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import room  # noqa: E402,F401  first: it makes the others findable
import compare  # noqa: E402
import listed  # noqa: E402
import play  # noqa: E402
import recording  # noqa: E402
import server  # noqa: E402


def itself(one):
    """As if we had done exactly what was recorded."""
    runs = []
    for run in one.runs:
        played = play.PlayedRun(run.public)
        played.documents = [json.dumps(document) for document in run.documents]
        played.settings_after = json.dumps(run.settings_after)
        runs.append(played)
    requests = [server.Request(each["endpoint"], each["request_line"], copy.deepcopy(each["headers"]), each["body"])
                for each in one.requests]
    return play.Played(runs, requests, [], "", 0)


class CompareTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.recording = recording.load(HERE / "recordings/onlyHost_success.json")
        self.played = itself(self.recording)

    def differences(self):
        return compare.of_played(self.recording, self.played)

    def change_document(self, at, old, new):
        documents = self.played.runs[0].documents
        self.assertIn(old, documents[at])
        documents[at] = documents[at].replace(old, new)

    def host(self, name):
        return next(one for one in self.played.requests if name in one.line)

    def test_every_recording_is_the_same_as_itself(self):
        for one in recording.load_all(HERE / "recordings"):
            if one.asks_for_a_backup:
                self.assertEqual([], compare.of_played(one, itself(one)), one.name)

    def test_what_is_not_compared_makes_no_difference(self):
        self.change_document(-1, '"timestampUTC": "2026', '"timestampUTC": "2027')
        self.change_document(-1, "\\\\/Date(1", "\\\\/Date(2")
        self.change_document(-1, "snapshot=2026-11-22", "snapshot=2027-01-01")
        self.played.requests[-1].body = "another log"
        self.assertEqual([], self.differences())

    def test_a_code_in_the_file_and_in_the_report_inside(self):
        self.change_document(-1, '"code": "1"', '"code": "2"')
        self.change_document(-1, '\\"code\\": \\"1\\"', '\\"code\\": \\"2\\"')
        self.assertEqual(["final: report.status.code: '1' -> '2'", "final: status.code: '1' -> '2'"],
                         sorted(self.differences()))

    def test_text_is_no_boolean(self):
        self.change_document(-1, '\\"isSuccessful\\": \\"true\\"', '\\"isSuccessful\\": true')
        self.assertIn("final: report.status.snapshotInfo[0].isSuccessful: 'true' -> True", self.differences())

    def test_the_date_as_it_stands_on_the_wire(self):
        self.change_document(-1, "\\\\/Date(", "/Date(")
        self.assertEqual(["final: report.timestampUTC: '<date>' -> 'no date as it must be'"], self.differences())

    def test_the_order_of_members(self):
        self.change_document(-1, '"name": "Microsoft.Azure.RecoveryServices.VMSnapshotLinux", "operation": "Enable", ',
                             '"operation": "Enable", "name": "Microsoft.Azure.RecoveryServices.VMSnapshotLinux", ')
        self.assertEqual(["final: the order of the members"], self.differences())

    def test_a_document_that_was_not_written(self):
        self.played.runs[0].documents.pop()
        self.assertEqual(["final: written -> (absent)"], self.differences())

    def test_settings_that_stay_on_the_disk(self):
        run = self.played.runs[0]
        run.settings_after = run.settings_after.replace('"publicSettings"',
                                                        '"protectedSettings": "eA==", "publicSettings"')
        self.assertEqual(["settings file: protectedSettings: '(absent)' -> '...'"], self.differences())

    def test_the_body_to_the_host_byte_for_byte(self):
        request = self.host("dosnapshot")
        request.body = request.body.replace('"diskIds": [0, 1, -1]', '"diskIds": [0,1,-1]')
        self.assertEqual(1, len(self.differences()))
        self.assertIn("host dosnapshot: body: ", self.differences()[0])

    def test_headers(self):
        request = self.host("dosnapshot")
        request.headers.reverse()
        request.headers[0] = ["Useragent", "VMSnapshot"]
        self.assertEqual(["host dosnapshot: header UserAgent: 'VMSnapshot' -> '(absent)'",
                          "host dosnapshot: header Useragent: '(absent)' -> 'VMSnapshot'"], self.differences()[:2])
        self.assertIn("host dosnapshot: order of headers: ", self.differences()[2])

    def test_requests_that_one_side_alone_sent(self):
        snapshot = self.played.requests.pop(self.played.requests.index(self.host("dosnapshot")))
        self.played.requests.insert(0, snapshot)
        self.assertEqual(["requests: not sent: host dosnapshot", "requests: sent by us alone: host dosnapshot"],
                         self.differences())

    def test_parallel_calls_have_no_order(self):
        self.recording = recording.load(HERE / "recordings/guest_6blobs_parallel.json")
        self.played = itself(self.recording)
        calls = [at for at, one in enumerate(self.played.requests) if "comp=snapshot" in one.line]
        self.assertEqual(6, len(calls))
        self.played.requests[calls[0]:calls[-1] + 1] = reversed(self.played.requests[calls[0]:calls[-1] + 1])
        self.assertEqual([], self.differences())

    def test_what_was_left_behind(self):
        self.played.left_frozen = ["/mnt/data1"]
        self.assertEqual(["left frozen: /mnt/data1"], self.differences())


class ListedTest(unittest.TestCase):
    def entry(self, **more):
        one = listed.Listed.__new__(listed.Listed)
        one.entries = [listed.Entry(["only*"], [], re.compile("final: code: '1' -> '2'"), "row", False, "")]
        for name, value in more.items():
            setattr(one.entries[0], name, value)
        return one

    def test_only_whole_lines_of_its_recordings_are_listed(self):
        table = self.entry()
        self.assertEqual((1, []), table.split("onlyHost", ["final: code: '1' -> '2'"]))
        self.assertEqual((0, ["final: code: '1' -> '22'"]), table.split("onlyHost", ["final: code: '1' -> '22'"]))
        self.assertEqual((0, ["final: code: '1' -> '2'"]), table.split("other", ["final: code: '1' -> '2'"]))

    def test_what_does_not_occur_any_more_is_stale(self):
        table = self.entry()
        table.split("onlyHost", [])
        self.assertEqual(1, len(table.stale()))
        table.split("onlyGuest", ["final: code: '1' -> '2'"])
        self.assertEqual(1, len(table.stale()), "it must occur in each")
        table.entries[0].sometimes = True
        self.assertEqual([], table.stale())

    def test_a_row_must_be_there_once(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        page = pathlib.Path(folder.name, "page.md")
        for rows, faults in (("| row one | x |\n", 0), ("| row one | x |\n| row two | x |\n", 1), ("nothing\n", 1)):
            page.write_text(rows, encoding="utf-8")
            self.assertEqual(faults, len(self.entry().without_row(page)))


if __name__ == "__main__":
    unittest.main()
