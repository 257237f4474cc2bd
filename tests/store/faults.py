# SPDX-License-Identifier: Apache-2.0
"""Faults that a test wants to see, as a JSON file that may change while the front runs: a list of rules

    {"path": "disks/data1"        end of the request's path; "" is every request
     "method": "PUT",  "comp": "snapshot",                both optional
     "skip": 1, "times": 2,                               let so many pass first; then so many times only
     "delay_ms": 500,                                     alone: answers as usual, but late
     "status": 503, "body": "...", "headers": {...},      answers this itself
     "canned": "rate_exceeded",                           a known answer of the service instead of the three above
     "close": true,                                       closes the connection without an answer
     "reset": true,                                       the same, but with a reset
     "cut": 40,                                           closes after so many bytes of the answer
     "hang": true,                                        neither answers nor closes, until the client goes
     "after": true}                                       only after the real thing was done

The first rule that fits a request is applied to it.
"""
import json
import os
import threading


def storage_error(status, code, message):
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return {"status": status, "body": body, "headers": {"Content-Type": "application/xml", "x-ms-error-code": code}}


CANNED = {
    "rate_exceeded": storage_error(409, "SnapshotOperationRateExceeded",
                                   "The rate of snapshot blob calls is exceeded."),
    "count_exceeded": storage_error(409, "SnapshotCountExceeded",
                                    "The snapshot count against this blob has been exceeded."),
    "forbidden": storage_error(403, "AuthenticationFailed", "Server failed to authenticate the request."),
    "not_found": storage_error(404, "BlobNotFound", "The specified blob does not exist."),
    "busy": storage_error(503, "ServerBusy", "The server is busy."),
    "host_failed": {"status": 500, "body": '{ "error": {"code": "SnapshotFailed", "message": "snapshot failed"}}',
                    "headers": {"Content-Type": "application/json"}},
    "host_has_no_service": {"status": 500, "body": "<html>Internal error</html>",
                            "headers": {"Content-Type": "text/html"}},
}


class Faults:
    def __init__(self, path):
        self._path = path
        self._stamp = None
        self._rules = []
        self._lock = threading.Lock()

    def match(self, request):
        if self._path is None:
            return None
        with self._lock:
            self._read_if_changed()
            return next((rule for rule in self._rules if fits(rule, request) and due(rule)), None)

    def _read_if_changed(self):
        try:
            state = os.stat(self._path)
        except FileNotFoundError:
            self._rules, self._stamp = [], None
            return
        stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
        if stamp != self._stamp:
            with open(self._path, encoding="utf-8") as file:
                rules = json.load(file)
            self._rules = [{**rule, **CANNED[rule["canned"]]} if "canned" in rule else dict(rule) for rule in rules]
            self._stamp = stamp


def fits(rule, request):
    return (request.path.endswith(rule["path"]) and rule.get("method", request.method) == request.method
            and rule.get("comp", request.query.get("comp")) == request.query.get("comp"))


def due(rule):
    seen = rule["seen"] = rule.get("seen", 0) + 1
    skip = rule.get("skip", 0)
    return seen > skip and ("times" not in rule or seen <= skip + rule["times"])
