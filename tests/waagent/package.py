#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's package of the Linux VM agent, unpacked and never installed: no service, nothing on this machine changes.

    package.py      prints the folder it is unpacked in

One folder waagent-<version> in ~/.cache/stillpoint for each version that apt offers; old ones may be removed.
What the agent needs besides is installed by `tools/install_deps.sh waagent`.
"""
import fcntl
import os
import pathlib
import re
import subprocess
import sys
import tempfile

NAME = "waagent"
PROGRAM, MODULES = "usr/sbin/waagent", "usr/lib/python3/dist-packages"
LIMIT_S = 180


def cache_folder():
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return base / "stillpoint"


def offered_version():
    """What apt would install; None if its lists do not know the package."""
    told = subprocess.run(["apt-cache", "policy", NAME], capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    found = re.search(r"^ *Candidate: *(\d\S*)$", told, re.MULTILINE)
    return found[1] if found else None


def unpacked():
    version = offered_version()
    if version is None:
        subprocess.run(["apt-get", "-q", "-o", "Acquire::Retries=3", "update"], check=False, timeout=LIMIT_S,
                       stdin=subprocess.DEVNULL, stdout=sys.stderr)
        version = offered_version()
    if version is None:
        raise RuntimeError(f"apt knows no package {NAME}: is this Debian 12, with its main sources?")
    base = cache_folder()
    target = base / f"{NAME}-{version.replace(':', '_')}"
    base.mkdir(parents=True, exist_ok=True)
    with open(base / f"{NAME}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests at once: the second finds everything done
        if not (target / PROGRAM).exists():
            fetch(version, target)
    return target


def fetch(version, target):
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as name:
        folder = pathlib.Path(name)
        subprocess.run(["apt-get", "-q", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root", "download",
                        f"{NAME}={version}"], cwd=folder, check=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL,
                       stdout=sys.stderr)
        files = folder / "files"
        subprocess.run(["dpkg-deb", "-x", *folder.glob("*.deb"), files], check=True, timeout=60)
        files.chmod(0o755)
        files.rename(target)


if __name__ == "__main__":
    print(unpacked())
