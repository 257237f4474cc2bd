# SPDX-License-Identifier: Apache-2.0
"""The few calls of the Blob service that the tests themselves need, over kept connections, one for each thread."""
import http.client
import threading
import urllib.parse
import xml.etree.ElementTree

import sas

READ = 4 << 20  # the most that one request for pages may carry
LIMIT_S = 30


class StoreError(Exception):
    def __init__(self, what, status, body):
        super().__init__(f"{what}: {status}: {body[:300].decode('utf-8', 'replace')}")
        self.status = status
        self.body = body


class BlobClient:
    def __init__(self, port):
        self._port = port
        self._local = threading.local()
        self._sas = sas.account_sas(expires_s=24 * 3600)

    def close(self):
        """The connection of the calling thread."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def request(self, method, blob, query="", body=b"", headers=None, signature=None):
        """(status, headers, body) of a raw call; `signature` replaces the account's all-powerful one."""
        target = f"/{sas.ACCOUNT}/{urllib.parse.quote(blob)}?{query}&{self._sas if signature is None else signature}"
        for reused in (True, False):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                reused = False
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
                self._local.connection = connection
            try:
                connection.request(method, target, body, headers or {})
                reply = connection.getresponse()
                return reply.status, reply.headers, reply.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if not reused:
                    raise
        raise AssertionError("unreachable")

    def _expect(self, wanted, method, blob, *arguments, **named):
        status, headers, body = self.request(method, blob, *arguments, **named)
        if status not in wanted:
            raise StoreError(f"{method} {blob}", status, body)
        return headers, body

    def create_container(self, name):
        self._expect((201, 409), "PUT", name, "restype=container")

    def create_page_blob(self, blob, size):
        self._expect((201,), "PUT", blob,
                     headers={"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": str(size)})

    def create_block_blob(self, blob, content=b""):
        self._expect((201,), "PUT", blob, body=content, headers={"x-ms-blob-type": "BlockBlob"})

    def put_pages(self, blob, offset, data):
        self._expect((201,), "PUT", blob, "comp=page", body=data,
                     headers={"x-ms-page-write": "update", "x-ms-range": f"bytes={offset}-{offset + len(data) - 1}"})

    def clear_pages(self, blob, offset, length):
        self._expect((201,), "PUT", blob, "comp=page",
                     headers={"x-ms-page-write": "clear", "x-ms-range": f"bytes={offset}-{offset + length - 1}"})

    def snapshot(self, blob, metadata=None):
        headers, _ = self._expect((201,), "PUT", blob, "comp=snapshot",
                                  headers={f"x-ms-meta-{key}": value for key, value in (metadata or {}).items()})
        return headers["x-ms-snapshot"]

    def read(self, blob, snapshot=None):
        return self._expect((200,), "GET", blob, at(snapshot))[1]

    def page_ranges(self, blob, snapshot=None):
        """(size of the blob, [(first byte, last byte)])."""
        headers, body = self._expect((200,), "GET", blob, "comp=pagelist" + at(snapshot, "&"))
        ranges = [(int(r.findtext("Start")), int(r.findtext("End")))
                  for r in xml.etree.ElementTree.fromstring(body).iter("PageRange")]
        return int(headers["x-ms-blob-content-length"]), ranges

    def read_to_file(self, blob, path, snapshot=None):
        size, ranges = self.page_ranges(blob, snapshot)
        with open(path, "wb") as out:
            out.truncate(size)
            for first, last in ranges:
                for start in range(first, last + 1, READ):
                    end = min(start + READ - 1, last)
                    _, data = self._expect((200, 206), "GET", blob, at(snapshot),
                                           headers={"x-ms-range": f"bytes={start}-{end}"})
                    out.seek(start)
                    out.write(data)


def at(snapshot, before=""):
    return f"{before}snapshot={urllib.parse.quote(snapshot)}" if snapshot else ""
