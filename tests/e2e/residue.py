# SPDX-License-Identifier: Apache-2.0
"""Looks for planted secrets in everything that a run may have written."""
import base64
import contextlib
import re

import request
import rig

PLACES = ("/etc/azure", "/etc/stillpoint", "/var/lib", "/run", "/dev/shm")


def secrets_of(guest):
    """{name: bytes to look for}: markers, and the private key in each form a dump would show."""
    text = guest.key.read_text(encoding="ascii")
    body = re.search("-----BEGIN PRIVATE KEY-----\n(.*?)\n-----END", text, re.DOTALL)[1]
    der = base64.b64decode(body)
    lines = body.split("\n")
    marker = request.MARKER.encode()
    # The three ways it can lie in base64, without the characters that its neighbours decide.
    in_base64 = {f"a planted marker in base64, shifted by {shift}":
                 base64.b64encode(b"-" * shift + marker)[4 if shift else 0:][:6] for shift in range(3)}
    return {"a planted marker": marker, **in_base64, "the private key": lines[len(lines) // 2].encode(),
            "the private key in DER": der[200:232], "the private key in hex": der[200:216].hex().encode()}


def secrets_in(secrets, folder, places=PLACES):
    """(path, name of the secret) for each file that holds one. What others wrote there is left out: the VM agent the
    key and the settings (sealed but for the task's token), this test its faults and images."""
    own = {folder / "faults.json"}
    found = []
    for path in rig.files_below(folder, *places):
        if path in own or path.parent.name == "bin" or path.name.endswith(("settings", ".prv", ".img", ".part")):
            continue
        content = path.read_bytes()
        found += [(str(path), name) for name, secret in secrets.items() if secret in content]
    return found


def memory_of(pid):
    """All that a process has in its memory now. What it gives back while this reads is left out."""
    found, readable = [], False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) (r?)", line):
                begin, end = int(match[1], 16), int(match[2], 16)
                # Left out: pages of the kernel's own, and the terabytes that a sanitizer sets aside.
                readable = bool(match[3]) and "[v" not in line and end - begin < 1 << 30
            elif readable and line.startswith("Rss:") and int(line.split()[1]):
                found.append(pages_of(memory, begin, end))
    return b"".join(found)


def pages_of(memory, begin, end, chunk=1 << 20):
    found = []
    with contextlib.suppress(OSError):  # no longer there
        memory.seek(begin)
        while begin < end and (piece := memory.read(min(chunk, end - begin))):
            found.append(piece)
            begin += len(piece)
    return b"".join(found)
