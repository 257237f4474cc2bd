#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A blob store and a host that really snapshot local disks: for tests and the demo.

    front.py --azurite PORT | --images DIR   --disk [LUN:]BLOB=DEVICE ...   [--listen ADDR:PORT] ...

On `PUT .../BLOB?comp=snapshot` what is on DEVICE is copied first (into the page blob, or into a sparse file in DIR),
then the request goes on to Azurite as it is. POST /metadata/recsvc/snapshot/{presnapshot,dosnapshot} is answered as
the host's service does. POST /_front/prime copies all disks ahead, so that less is to be done under the next hold.

Standard output: first {"ready": true, "listening": [...], "pid": ...}, then a JSON line for each request. Faults on
demand: see faults.py. docs/testing.md has examples. Ends at SIGTERM, or by itself after --lifetime seconds.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time

import backing
import blob_client
import faults
import host_service
import sas
import wire

HANG_LIMIT_S = 300


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Disk:
    def __init__(self, text, store):
        name, _, self.device = text.partition("=")
        lun, colon, self.blob = name.partition(":")
        if not colon:
            lun, self.blob = None, name
        if not self.device or "/" not in self.blob:
            raise ValueError(f"'{text}' is not [LUN:]CONTAINER/BLOB=DEVICE")
        self.lun = int(lun) if lun is not None else None
        self.copy = store.copy_for(self.blob, self.device)


class Front:
    """Decides what happens to a request; knows nothing of sockets."""

    def __init__(self, store, disks, rules, host, verbose):
        self._store = store
        self._disks = {disk.blob: disk for disk in disks}
        self._faults = rules
        self._host = host
        self._verbose = verbose
        self._print_lock = threading.Lock()

    def prime(self):
        for disk in self._disks.values():
            disk.copy.prime()

    def handle(self, request, hang, peer=None):
        """The reply, or None to close without one. `hang` blocks until the client goes away. `peer`: its address."""
        arrived = now_ns()
        note = {"at_ns": arrived, "request": f"{request.method} {request.path}", "comp": request.query.get("comp")}
        if self._verbose:
            note["peer"] = peer
            note["headers"] = request.headers
            note["body"] = request.body.decode("utf-8", "replace")
        rule = self._faults.match(request)
        if rule is not None:
            note["fault"] = {key: value for key, value in rule.items() if key not in ("body", "headers", "seen")}
            if rule.get("delay_ms"):
                self.say({"at_ns": arrived, "delays": note["request"], "fault": note["fault"]})
        if rule is not None and not rule.get("after"):
            answer = self._fault(rule, hang) or (self._serve(request, note) if delays_only(rule) else None)
        else:
            answer = self._serve(request, note)
            if rule is not None:
                answer = self._fault(rule, hang) or (answer if delays_only(rule) else None)
        own_ms = (now_ns() - arrived) / 1e6 - note.get("forward_ms", 0)
        note.update(front_ms=round(own_ms, 3), status=answer.status if answer else None)
        request.cut = rule.get("cut") if rule is not None else None
        request.reset = rule is not None and rule.get("reset", False)
        if answer is not None and note["comp"] == "snapshot":
            note["snapshot"] = answer.header("x-ms-snapshot")
        self.say(note)
        return answer.with_header("x-front-ms", f"{own_ms:.3f}") if answer else None

    def say(self, note):
        with self._print_lock:
            print(json.dumps(note), flush=True)

    @staticmethod
    def _fault(rule, hang):
        time.sleep(rule.get("delay_ms", 0) / 1000)  # the lateness that the test asked for
        if rule.get("hang"):
            hang()
        if "status" in rule and not rule.get("hang") and not closes(rule):
            return wire.reply(rule["status"], rule.get("body", ""), rule.get("headers"))
        return None

    def _serve(self, request, note):
        try:
            return self._dispatch(request, note)
        except (OSError, blob_client.StoreError) as error:
            note["error"] = str(error)
            return wire.reply(500, f"front: {error}")

    def _dispatch(self, request, note):
        if request.path.startswith(host_service.PREFIX):
            return self._host.answer(request, note)
        if request.path == "/_front/prime":
            self.prime()
            return wire.reply(200)
        disk = self._disks.get(backing.blob_of(request.path))
        if request.method == "PUT" and request.query.get("comp") == "snapshot" and disk is not None:
            with disk.copy.lock:
                note["copy_began_ns"] = now_ns()
                note["bytes"], proceed = self._store.snapshot(request, disk.blob, disk.copy)
                note["copy_ended_ns"] = now_ns()
                note["copy_ms"] = round((note["copy_ended_ns"] - note["copy_began_ns"]) / 1e6, 3)
                return self._timed(proceed, request, note)
        return self._timed(self._store.forward, request, note)

    @staticmethod
    def _timed(action, request, note):
        began = now_ns()
        answer = action(request)
        note["forward_ms"] = round((now_ns() - began) / 1e6, 3)
        return answer


def closes(rule):
    return rule.get("close") or rule.get("reset")


def delays_only(rule):
    return not any(key in rule for key in ("status", "close", "reset", "hang"))


class Connection(socketserver.BaseRequestHandler):
    """One client's connection, kept as long as the client keeps it."""

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = self.request
        try:
            if self.server.tls is not None:
                link = self.server.tls.wrap_socket(link, server_side=True)
            self._serve(link)
        except (OSError, wire.BadMessage, ValueError) as error:
            self.server.front.say({"at_ns": now_ns(), "connection_error": f"{type(error).__name__}: {error}"})
        finally:
            if link is not self.request:
                link.close()

    def _serve(self, link):
        stream = link.makefile("rb")

        def hang():
            link.settimeout(HANG_LIMIT_S)
            link.recv(1)

        while (request := wire.read_request(stream, link.sendall)) is not None:
            answer = self.server.front.handle(request, hang, self.client_address[0])
            if request.reset:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(link.detach())  # not through the server, which would say goodbye first
            if answer is None:
                return
            link.sendall(answer.raw[:request.cut])
            if not request.keeps_alive or request.cut is not None:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, front, tls):
        host, _, port = address.rpartition(":")
        super().__init__((host, int(port)), Connection)
        self.front = front
        self.tls = tls

    @property
    def address(self):
        return "{}:{}".format(*self.server_address)


def servers_for(given, front):
    tls = None
    if given.tls_listen:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(given.cert, given.key)
    plain = given.listen or ([] if given.tls_listen else ["127.0.0.1:0"])
    return [Server(address, front, None) for address in plain] + [
        Server(address, front, tls) for address in given.tls_listen]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    store = parser.add_mutually_exclusive_group(required=True)
    store.add_argument("--azurite", type=int, metavar="PORT")
    store.add_argument("--images", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--disk", action="append", default=[], metavar="[LUN:]CONTAINER/BLOB=DEVICE")
    parser.add_argument("--listen", action="append", default=[], metavar="ADDR:PORT", help="default 127.0.0.1:0")
    parser.add_argument("--tls-listen", action="append", default=[], metavar="ADDR:PORT")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--faults", metavar="FILE")
    parser.add_argument("--base", help="URL before a blob's name in the host's answers")
    parser.add_argument("--host-delay-ms", type=int, default=0, help="how long dosnapshot waits before it begins")
    parser.add_argument("--ready", type=pathlib.Path, metavar="FILE", help="the first line of output goes there too")
    parser.add_argument("--no-copy", action="store_true", help="with --images: empty files; for tests that read none")
    parser.add_argument("--verbose", action="store_true", help="headers and body of each request in its line")
    parser.add_argument("--lifetime", type=int, default=3600, metavar="SECONDS")
    return parser.parse_args(arguments)


def main(arguments):
    given = parse(arguments)
    signal.alarm(given.lifetime)  # its default action ends a front that nobody stops
    store = backing.ImageBacking(given.images, not given.no_copy) if given.images else backing.AzuriteBacking(given.azurite)
    disks = [Disk(text, store) for text in given.disk]
    base = given.base or f"http://127.0.0.1:{given.azurite or 0}/{sas.ACCOUNT}"
    host = host_service.HostService(disks, store, base, given.host_delay_ms)
    front = Front(store, disks, faults.Faults(given.faults), host, given.verbose)
    front.prime()
    servers = servers_for(given, front)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = {"ready": True, "listening": [server.address for server in servers], "pid": os.getpid()}
    if given.ready:
        draft = given.ready.with_name(given.ready.name + ".new")
        draft.write_text(json.dumps(ready), encoding="utf-8")
        draft.rename(given.ready)
    front.say(ready)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    sys.exit(main(sys.argv[1:]))
