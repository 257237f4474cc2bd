# SPDX-License-Identifier: Apache-2.0
"""A network of our own: nothing but lo, which also has the host's address. The names of the store lead to it."""
import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess

import room

HOST_ADDRESS = "168.63.129.16"  # of the host, seen from every guest of Azure
CLONE_NEWNET = 0x40000000                                        # linux/sched.h
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 1             # linux/sockios.h, linux/if.h


def enter():
    room.checked(room.LIBC.unshare(ctypes.c_int(CLONE_NEWNET)), "unshare the network")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(HOST_ADDRESS))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s", b"lo:1", address))


def name_the_store(names, etc=pathlib.Path("/etc")):
    lines = ["127.0.0.1 localhost", *(f"127.0.0.1 {name}" for name in sorted(names))]
    (etc / "hosts").write_text("\n".join(lines) + "\n", encoding="ascii")
    # Only that file is asked: there is no name service in here.
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n", encoding="ascii")


def make_certificates(folder, names):
    """(the authority's certificate, the server's one, its key)."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)

    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    server, key, request, more = (folder / name for name in ("store.pem", "store.key", "store.csr", "store.ext"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
            "/CN=replay CA", "-keyout", authority_key, "-out", authority)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=replay store",
            "-keyout", key, "-out", request)
    more.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in sorted(names)) + "\n", encoding="ascii")
    openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", 30,
            "-extfile", more, "-out", server)
    os.chmod(authority, 0o644)
    return authority, server, key
