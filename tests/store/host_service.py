# SPDX-License-Identifier: Apache-2.0
"""The snapshot service of the host, as the front plays it: presnapshot, and dosnapshot of the mapped disks."""
import concurrent.futures
import datetime
import json
import time

import wire

PREFIX = "/metadata/recsvc/snapshot/"


class HostService:
    """`disks` by blob, each with .lun, .copy and .blob; `base` is the URL in front of a blob's name."""

    def __init__(self, disks, backing, base, delay_ms=0):
        self._disks = disks
        self._backing = backing
        self._base = base
        self._delay_s = delay_ms / 1000

    def answer(self, request, note):
        if request.method != "POST":
            return wire.reply(405)
        if request.path == PREFIX + "presnapshot":
            return json_reply(self._presnapshot())
        if request.path == PREFIX + "dosnapshot":
            return self._dosnapshot(request, note)
        return wire.reply(404)

    @staticmethod
    def _presnapshot():
        now = datetime.datetime.now(datetime.timezone.utc)
        fields = ("year", "month", "day", "hour", "minute", "second")
        return {"responseTime": {field: getattr(now, field) for field in fields}, "bhsVersion": "1.0.0.0",
                "nodeId": "front", "result": "Success", "isOsDiskADEEncrypted": False,
                "areDataDisksADEEncrypted": False}

    def _dosnapshot(self, request, note):
        try:
            asked = json.loads(request.body)
            ids = [int(number) for number in asked["diskIds"]]
            metadata = {entry["Key"]: str(entry["Value"]) for entry in asked.get("snapshotMetadata") or []}
        except (ValueError, KeyError, TypeError) as error:
            return json_reply({"error": {"code": "BadRequest", "message": str(error)}}, 400)
        by_lun = {disk.lun: disk for disk in self._disks}
        ids = ids or sorted(by_lun)
        time.sleep(self._delay_s)  # what a slow host does; set by the test
        began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(ids))) as pool:
            infos = list(pool.map(lambda lun: self._one(by_lun.get(lun), lun, metadata), ids))
        note.update(copy_began_ns=began, copy_ended_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        return json_reply({"snapshotInfo": infos})

    def _one(self, disk, lun, metadata):
        if disk is None:
            return snapshot_info(False, "", f"there is no disk {lun}", 404)
        try:
            with disk.copy.lock:
                moment = self._backing.snapshot_for_host(disk.blob, disk.copy, metadata)
        except Exception as error:  # the service reports what failed for each disk, and goes on
            return snapshot_info(False, "", str(error), 500)
        return snapshot_info(True, f"{self._base}/{disk.blob}?snapshot={moment}", "", 200)


def snapshot_info(successful, uri, message, status):
    """isSuccessful is text, as in the real service's answers."""
    return {"isSuccessful": str(successful).lower(), "snapshotUri": uri, "errorMessage": message, "statusCode": status,
            "ddSnapshotIdentifier": None}


def json_reply(document, status=200):
    return wire.reply(status, json.dumps(document), {"Content-Type": "application/json; charset=utf-8"})
