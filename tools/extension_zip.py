#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The extension zip: `build` makes it, `check` says what is wrong with one.

Equal inputs give equal bytes: entries are sorted, times and modes are fixed, nothing of the machine gets in.
Only deflate is used, because the VM agent unpacks with the zipfile module of whatever Python the guest has.
"""
import argparse
import json
import pathlib
import sys
import zipfile

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the zip format knows no earlier time
MANIFEST = "HandlerManifest.json"
COMMANDS = ("install", "uninstall", "update", "enable", "disable")
# The VM agent makes these in the same folder and would overwrite ours.
AGENTS_OWN = {"status", "config", "HandlerEnvironment.json", "package_validated"}
MAX_BYTES = 5 * 1024 * 1024


def write_zip(target, entries, level):
    """entries: name in the zip -> bytes. Written beside the target first, so that no half file is left."""
    temporary = target.with_name(target.name + ".new")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the mode counts
            info.external_attr = (0o100755 if name.startswith("bin/") else 0o100644) << 16
            archive.writestr(info, entries[name], compresslevel=level)
    temporary.replace(target)


def licences(folder, common):
    """Every library's own copyright file, since what is linked statically is distributed with us, and the
    texts those files only refer to."""
    packages_of = {}  # packages made from one source have the same file
    for path in sorted(folder.glob("*/copyright")):
        packages_of.setdefault(path.read_text(encoding="utf-8", errors="replace"), []).append(path.parent.name)
    if not packages_of:
        raise SystemExit(f"extension_zip: no licences beneath {folder}")
    parts = [(", ".join(names), text) for text, names in packages_of.items()]
    parts += [(path.name, path.read_text(encoding="utf-8")) for path in common]
    return "\n".join(f"==== {title} ====\n{text}" for title, text in parts).encode()


def is_static_elf(data):
    """A 64-bit little-endian ELF file that asks for no program interpreter (PT_INTERP, type 3)."""
    if data[:6] != b"\x7fELF\x02\x01":
        return False
    number = lambda offset, size: int.from_bytes(data[offset:offset + size], "little")
    table, size, count = number(32, 8), number(54, 2), number(56, 2)
    return all(number(table + index * size, 4) != 3 for index in range(count))


def manifest_faults(archive, names):
    try:
        document = json.loads(archive.read(MANIFEST))
    except ValueError as error:
        return [f"{MANIFEST} is no JSON: {error}"]
    if not isinstance(document, list) or len(document) != 1 or not isinstance(document[0], dict):
        return [f"{MANIFEST} is not an array with one object"]
    handler = document[0].get("handlerManifest", {})
    faults = []
    for command in COMMANDS:
        words = handler.get(f"{command}Command", "").split()
        if words[1:] != [command] or words[0] not in names or not words[0].startswith("bin/"):
            faults.append(f"{command}Command does not call an executable of the zip with '{command}'")
    for flag in ("rebootAfterInstall", "reportHeartbeat", "continueOnUpdateFailure"):
        if not isinstance(handler.get(flag), bool):  # an older VM agent takes the text "false" for true
            faults.append(f"{flag} is not a JSON boolean")
    return faults


def faults_of(path, static):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        faults = [] if archive.testzip() is None else ["an entry is damaged"]
        if names != sorted(set(names)):
            faults.append("entries are not sorted and unique")
        if MANIFEST not in names:
            return [*faults, f"{MANIFEST} is not at the root"]
        faults += manifest_faults(archive, names)
        for info in archive.infolist():
            if info.filename.split("/")[0] in AGENTS_OWN:
                faults.append(f"{info.filename} would collide with a file of the VM agent")
            if info.date_time != EARLIEST:
                faults.append(f"{info.filename} carries a time")
            executable = bool(info.external_attr >> 16 & 0o111)
            if executable != info.filename.startswith("bin/"):
                faults.append(f"{info.filename}: executables, and only they, belong beneath bin/")
            if static and executable and not is_static_elf(archive.read(info)):
                faults.append(f"{info.filename} is not a static executable")
    if static and path.stat().st_size > MAX_BYTES:  # a build with sanitizers may be larger
        faults.append(f"larger than {MAX_BYTES} bytes")
    return faults


def build(arguments):
    entries = {f"bin/{path.name}": path.read_bytes() for path in arguments.executable}
    for path in arguments.file:
        entries[path.name] = path.read_bytes()
    if arguments.licences:
        entries["THIRD-PARTY-LICENSES.txt"] = licences(arguments.licences, arguments.common_licence)
    arguments.zip.parent.mkdir(parents=True, exist_ok=True)
    write_zip(arguments.zip, entries, arguments.level)
    return 0


def check(arguments):
    faults = faults_of(arguments.zip, arguments.static)
    for fault in faults:
        print(f"{arguments.zip}: {fault}", file=sys.stderr)
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    builder = commands.add_parser("build")
    builder.add_argument("zip", type=pathlib.Path)
    builder.add_argument("--executable", type=pathlib.Path, action="append", required=True)
    builder.add_argument("--file", type=pathlib.Path, action="append", default=[], help="goes to the root")
    builder.add_argument("--licences", type=pathlib.Path, help="folder of <library>/copyright")
    builder.add_argument("--common-licence", type=pathlib.Path, action="append", default=[])
    builder.add_argument("--level", type=int, default=9, help="1 is quicker, for tests")
    builder.set_defaults(run=build)
    checker = commands.add_parser("check")
    checker.add_argument("zip", type=pathlib.Path)
    checker.add_argument("--static", action="store_true", help="the executables must be static ELF files")
    checker.set_defaults(run=check)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
