# SPDX-License-Identifier: Apache-2.0
"""The host's snapshot service as a recording scripts it.

`script` maps the name of a call to what it does instead of the default: {"status", "body", "headers", "delay_ms",
"reset"}, or a list of these, one for each call, the last one for all later ones.
"""
import datetime
import json

from server import Answer

JSON = [("Content-Type", "application/json; charset=utf-8")]


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def snapshot_time():
    return now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


class Host:
    def __init__(self, script):
        self._script = script
        self._calls = {}

    def answer(self, request):
        name = request.target.partition("?")[0].rpartition("/")[2]
        number = self._calls[name] = self._calls.get(name, -1) + 1
        step = self._step(name, number)
        if step.get("reset"):
            return Answer(reset=True, delay_s=step.get("delay_ms", 0) / 1000)
        body = step["body"] if "body" in step else self._default_body(name, request)
        if body is None:
            return Answer(status=404)
        text = body if isinstance(body, str) else json.dumps(body)
        return Answer(step.get("status", 200), [tuple(pair) for pair in step.get("headers", JSON)], text.encode(),
                      step.get("delay_ms", 0) / 1000)

    def _step(self, name, number):
        steps = self._script.get(name) or {}
        return steps[min(number, len(steps) - 1)] if isinstance(steps, list) else steps

    def _default_body(self, name, request):
        if name == "presnapshot":
            moment = now()
            fields = ("year", "month", "day", "hour", "minute", "second")
            return {"responseTime": {field: getattr(moment, field) for field in fields}, "bhsVersion": "1.0.0.0-mock",
                    "nodeId": "mocknode", "result": "Success"}
        if name == "dosnapshot":
            moment = snapshot_time()
            # Which disks, when none is named, is the host's choice: here the system's.
            luns = json.loads(request.body)["diskIds"] or [-1]
            return {"snapshotInfo": [self._taken(lun, moment) for lun in luns]}
        return None

    @staticmethod
    def _taken(lun, moment):
        name = f"m{-lun}" if lun < 0 else lun
        return {"isSuccessful": "true", "errorMessage": "", "statusCode": 200, "snapshotUri":
                f"https://md-mock{name}.z1.blob.storage.azure.net:443/container/abcd?snapshot={moment}"}
