# SPDX-License-Identifier: Apache-2.0
"""A server that notes every request as it came (header order and case kept) and answers as it is told."""
import dataclasses
import http.server
import socket
import ssl
import struct
import threading
import time


@dataclasses.dataclass
class Answer:
    """What goes back. `reset`: nothing at all, the connection is torn down."""
    status: int = 200
    headers: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    delay_s: float = 0
    reset: bool = False


@dataclasses.dataclass
class Request:
    """`line` and `headers` as they stood on the wire."""
    endpoint: str
    line: str
    headers: list
    body: str

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]


class Journal:
    """All requests in the order of their arrival; one for all servers of a scenario."""

    def __init__(self):
        self.requests = []
        self._changed = threading.Condition()

    def add(self, request):
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def wait_for(self, condition, limit_s):
        """True as soon as a request has come that fulfils `condition`."""
        with self._changed:
            return self._changed.wait_for(lambda: any(condition(one) for one in self.requests), limit_s)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # of one read; a client that says nothing is left alone

    def answer_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", "replace")
        request = Request(self.server.endpoint, self.requestline, list(self.headers.raw_items()), body)
        self.server.journal.add(request)
        answer = self.server.answer(request)
        time.sleep(answer.delay_s)  # what a slow service does, as the recording says
        if answer.reset:
            self.reset()
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in answer.headers}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer_request

    def reset(self):
        """RST instead of FIN: socket(7), SO_LINGER."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """The journal is the log."""


class Server(http.server.ThreadingHTTPServer):
    """`answer(request)` -> Answer."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, endpoint, tls=None):
        super().__init__(address, Handler)
        self.endpoint = endpoint
        self.journal, self.answer = Journal(), None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake belongs to the thread of the connection, not to the one that accepts.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def play(self, journal, answer):
        """From now on for another scenario."""
        self.journal, self.answer = journal, answer

    def handle_error(self, request, client_address):
        """A client that leaves is no fault of ours."""
