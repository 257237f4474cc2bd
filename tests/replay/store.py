# SPDX-License-Identifier: Apache-2.0
"""The blob store as a recording scripts it.

`rules`: pairs of an expression and an answer {"status", "headers", "body", "delay_ms", "reset"}; the first one that is
found in "METHOD TARGET" answers. Else: a snapshot is taken, an upload is kept, a blob is an empty block blob.
"""
import re

import host
from server import Answer

SERVICE = [("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"),
           ("x-ms-request-id", "00000000-0000-0000-0000-000000000001"), ("x-ms-version", "2018-03-28")]
BLOCK_BLOB = ("x-ms-blob-type", "BlockBlob")


class Store:
    def __init__(self, rules):
        self._rules = rules
        self._blobs = {}

    def answer(self, request):
        # Whoever asks for the head of a blob asks for what a GET would tell.
        asked = "GET" if request.method == "HEAD" else request.method
        for expression, told in self._rules:
            if re.search(expression, f"{asked} {request.target}"):
                return self._told(told, request)
        path, _, query = request.target.partition("?")
        if request.method == "PUT" and "comp=snapshot" in query:
            return Answer(201, [*SERVICE, ("x-ms-snapshot", host.snapshot_time()), ("ETag", '"0x8D0000000000000"')])
        if request.method == "PUT":
            if "comp=" not in query:
                self._blobs[path] = request.body.encode()
            return Answer(201, SERVICE)
        return self._content(self._blobs.get(path, b""), [*SERVICE, BLOCK_BLOB], request)

    def _told(self, told, request):
        if told.get("reset"):
            return Answer(reset=True, delay_s=told.get("delay_ms", 0) / 1000)
        answer = self._content(told.get("body", "").encode(), [tuple(pair) for pair in told.get("headers", SERVICE)],
                               request)
        answer.status, answer.delay_s = told.get("status", 200), told.get("delay_ms", 0) / 1000
        return answer

    @staticmethod
    def _content(body, headers, request):
        if request.method == "HEAD" and "content-length" not in {name.lower() for name, _ in headers}:
            headers = [*headers, ("Content-Length", str(len(body)))]
        return Answer(200, headers, body)
