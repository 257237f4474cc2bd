# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 messages with their exact bytes, so that the front can pass them on unchanged."""
import urllib.parse

LINE_LIMIT = 64 << 10
BODY_LIMIT = 256 << 20
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
           500: "Internal Server Error", 503: "Service Unavailable"}


class BadMessage(Exception):
    pass


class Message:
    """`head` ends with the empty line; `body` has its chunk framing still on."""

    def __init__(self, head, body=b""):
        self.head = head
        self.body = body

    @property
    def first_line(self):
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def headers(self):
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def raw(self):
        return self.head + self.body


class Request(Message):
    def __init__(self, head, body=b""):
        super().__init__(head, body)
        fields = self.first_line.split(" ")
        if len(fields) != 3:
            raise BadMessage("no request line")
        self.method, target, _ = fields
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        # What a fault does to the connection: no answer at all, or so many bytes of it.
        self.reset, self.cut = False, None

    @property
    def keeps_alive(self):
        return (self.header("Connection") or "").lower() != "close" and self.first_line.endswith("HTTP/1.1")


class Reply(Message):
    @property
    def status(self):
        return int(self.first_line.split(" ")[1])

    def with_header(self, name, value):
        line, rest = self.head.split(b"\r\n", 1)
        return Reply(line + f"\r\n{name}: {value}\r\n".encode("latin-1") + rest, self.body)


def reply(status, body=b"", headers=None):
    body = body if isinstance(body, bytes) else body.encode("utf-8")
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}",
             *(f"{name}: {value}" for name, value in (headers or {}).items()), f"Content-Length: {len(body)}"]
    return Reply("\r\n".join([*lines, "", ""]).encode("latin-1"), body)


def read_head(stream):
    """None if the other side closed before a first byte."""
    lines = []
    while True:
        line = stream.readline(LINE_LIMIT)
        if not line and not lines:
            return None
        if not line.endswith(b"\r\n"):
            raise BadMessage("the message ends in its head")
        if line == b"\r\n" and not lines:
            continue  # RFC 9112 2.2: an empty line before a request is ignored
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)


def read_exactly(stream, size):
    if size > BODY_LIMIT:
        raise BadMessage("the body is too long")
    data = stream.read(size)
    if len(data) != size:
        raise BadMessage("the message ends in its body")
    return data


def read_chunked(stream):
    parts = []
    while True:
        line = stream.readline(LINE_LIMIT)
        parts.append(line)
        size = int(line.split(b";")[0], 16)
        parts.append(read_exactly(stream, size + 2) if size else b"")
        if size == 0:
            while parts[-1] != b"\r\n":  # trailers
                parts.append(stream.readline(LINE_LIMIT))
                if not parts[-1]:
                    raise BadMessage("the message ends in its trailers")
            return b"".join(parts)


def read_body(stream, message):
    if "chunked" in (message.header("Transfer-Encoding") or "").lower():
        return read_chunked(stream)
    return read_exactly(stream, int(message.header("Content-Length") or 0))


def read_request(stream, send):
    head = read_head(stream)
    if head is None:
        return None
    request = Request(head)
    if (request.header("Expect") or "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.body = read_body(stream, request)
    return request


def read_reply(stream, method):
    while True:
        head = read_head(stream)
        if head is None:
            raise ConnectionError("closed before a reply")
        answer = Reply(head)
        if answer.status >= 200:
            break
    if method != "HEAD" and answer.status not in (204, 304):
        answer.body = read_body(stream, answer)
    return answer
