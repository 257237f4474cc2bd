# SPDX-License-Identifier: Apache-2.0
"""Where the snapshots of the front go: to Azurite, or to image files when no store is to be started."""
import datetime
import os
import pathlib
import socket
import threading
import urllib.parse

import blob_client
import disk_copy
import sas
import wire

UPSTREAM_LIMIT_S = 60


def blob_of(path):
    """container/blob of a request's path, whether or not the account stands before it."""
    path = urllib.parse.unquote(path).lstrip("/")
    return path.removeprefix(f"{sas.ACCOUNT}/")


class AzuriteBacking:
    """Every request goes on, byte for byte; the pages of the disks are sent as the account itself."""

    def __init__(self, port):
        self._port = port
        self._client = blob_client.BlobClient(port)
        self._local = threading.local()

    def copy_for(self, blob, device):
        self._client.create_container(blob.split("/", 1)[0])
        return disk_copy.BlobCopy(device, self._client, blob)

    def forward(self, request):
        for _ in range(2):
            link, reused = self._link()
            try:
                link[0].sendall(request.raw)
                answer = wire.read_reply(link[1], request.method)
            except OSError:
                self._drop()
                if not reused:
                    raise
                continue
            if (answer.header("Connection") or "").lower() == "close":
                self._drop()
            return answer
        raise ConnectionError("the store closed two connections")

    def snapshot(self, request, _blob, copy):
        return copy.copy(), self.forward

    def snapshot_for_host(self, blob, copy, metadata):
        copy.copy()
        return self._client.snapshot(blob, metadata)

    def _link(self):
        if getattr(self._local, "link", None) is not None:
            return self._local.link, True
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=UPSTREAM_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._local.link = (connection, connection.makefile("rb"))
        return self._local.link, False

    def _drop(self):
        for part in reversed(self._local.link):
            part.close()
        self._local.link = None


class ImageBacking:
    """A snapshot is DIR/<container>_<blob>@<time>.img; every other blob is kept in memory, SAS are not looked at."""

    def __init__(self, folder, copies=True):
        self._folder = pathlib.Path(folder)
        self._copies = copies
        self._blobs = {}
        self._lock = threading.Lock()
        self._last = None

    def copy_for(self, _blob, device):
        return disk_copy.ImageCopy(device if self._copies else os.devnull, self._folder)

    def forward(self, request):
        blob = blob_of(request.path)
        with self._lock:
            if request.method == "PUT" and request.query.get("comp") is None:
                self._blobs[blob] = (request.header("x-ms-blob-type") or "BlockBlob", request.body)
                return wire.reply(201, headers={"x-ms-request-id": "0"})
            kind, content = self._blobs.get(blob, (None, b""))
        if request.method not in ("GET", "HEAD") or kind is None:
            code = "BlobNotFound" if kind is None else "UnsupportedHttpVerb"
            return wire.reply(404 if kind is None else 405, code, {"x-ms-error-code": code})
        answer = wire.reply(200, content, {"x-ms-blob-type": kind})
        return wire.Reply(answer.head) if request.method == "HEAD" else answer

    def snapshot(self, request, blob, copy):
        moment = self._moment()
        written = copy.copy(self._name(blob, moment))
        return written, lambda _request: wire.reply(201, headers={"x-ms-snapshot": moment, "x-ms-request-id": "0"})

    def snapshot_for_host(self, blob, copy, _metadata):
        moment = self._moment()
        copy.copy(self._name(blob, moment))
        return moment

    @staticmethod
    def _name(blob, moment):
        return f"{blob.replace('/', '_')}@{moment}"

    def _moment(self):
        """The service's own form, seven digits; no two alike."""
        with self._lock:
            now = datetime.datetime.now(datetime.timezone.utc)
            if self._last is not None and now <= self._last:
                now = self._last + datetime.timedelta(microseconds=1)
            self._last = now
            return now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
