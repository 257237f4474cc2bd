#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the table below is the picture in docs/architecture.md. Run as a test."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder -> folders whose headers it may include. The longest matching folder rules.
MAY_USE = {
    "base": {"base"},
    "manifest": {"manifest", "base"},
    "platform": {"platform", "base"},
    "platform/linux": {"platform/linux", "platform/linux/guard", "platform", "base"},
    "platform/linux/guard": {"platform/linux/guard", "base"},
    "platform/windows": {"platform/windows", "platform", "base"},
    "encryption": {"encryption", "platform", "base"},
    "inspect": {"inspect", "platform", "base"},
    "snapshot": {"snapshot", "encryption", "platform", "base"},
    "restore": {"restore", "snapshot", "encryption", "platform", "base"},
    "handlers": {"handlers", "snapshot", "manifest", "platform", "base"},
    "agent": {"agent", "handlers", "restore", "inspect", "snapshot", "encryption", "manifest", "platform", "platform/linux",
              "platform/linux/guard", "platform/windows", "base"},
}
SYSTEM = re.compile(r"#include <(windows|sys/|linux/|unistd|fcntl|poll|pthread|netinet/|arpa/|net/|dirent|"
                    r"sched|signal\.h|wincrypt|winhttp)")
LOCAL = re.compile(r'#include "([^"]+)"')


def folder_of(path):
    parts = path.parent.as_posix()
    candidates = [folder for folder in MAY_USE if parts == folder or parts.startswith(folder + "/")]
    return max(candidates, key=len, default=None)


def main():
    faults = []
    for source in sorted(ROOT.rglob("*.[hc]*")):
        relative = source.relative_to(ROOT)
        if relative.suffix not in (".h", ".cpp", ".c") or relative.parts[0] not in {m.split("/")[0] for m in MAY_USE}:
            continue
        folder = folder_of(relative)
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
            if found := LOCAL.match(line):
                used = folder_of(pathlib.Path(found[1]))
                if used is not None and used not in MAY_USE[folder]:
                    faults.append(f"{relative}:{number}: {folder} may not use {used}")
            if SYSTEM.match(line) and not folder.startswith("platform/") and folder != "agent":
                faults.append(f"{relative}:{number}: an operating system's header outside platform/: {line}")
            if re.search(r"#\s*if.*_WIN32", line) and not folder.startswith("platform/windows"):
                faults.append(f"{relative}:{number}: the build picks the backend, code never asks")
    print("\n".join(faults) or f"layers: {ROOT.name}: no fault")
    return 1 if faults else 0


sys.exit(main())
