#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes everything that is known of an error from its one source, manifest/errors.json.

    generate_errors.py header  FILE   the enum Code and name_of(), included as "base/code.h"
    generate_errors.py table   FILE   the rows of manifest/catalogue.cpp
    generate_errors.py docs    FILE   docs/errors.md
    generate_errors.py check   FILE   fails when FILE is not what `docs` makes, or a text is missing
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEALTH = {"green": 0, "yellow": 128, "red": 256, "none": 0}


def load():
    catalogue = json.loads((ROOT / "manifest/errors.json").read_text(encoding="utf-8"))
    published = [entry["code"] for entry in catalogue["published"]]
    names = [entry["name"] for entry in catalogue["codes"]]
    assert len(published) == len(set(published)), "a published number stands twice"
    names += [entry["name"] for entry in catalogue["published"] + catalogue["service"]]
    assert len(names) == len(set(names)), "a code stands twice"
    for entry in catalogue["codes"]:
        assert entry["published"] in published, f"{entry['name']}: {entry['published']} is not published"
    for entry in catalogue["published"]:
        assert entry["health"] in HEALTH, f"{entry['code']}: unknown health '{entry['health']}'"
    return catalogue


def text(value):
    return json.dumps(value, ensure_ascii=False)


def header(catalogue):
    yield "// Generated from manifest/errors.json by tools/generate_errors.py. Do not edit."
    yield "#pragma once"
    yield ""
    yield "#include <string_view>"
    yield ""
    yield "namespace stillpoint {"
    yield ""
    yield "/// What failed, for programs. Several codes may map to one published number (manifest/catalogue.h)."
    yield "enum class Code {"
    for entry in catalogue["codes"]:
        yield f"    {entry['name']},  // {entry['summary']}"
    yield "};"
    yield ""
    yield "constexpr std::string_view name_of(Code code) {"
    yield "    switch (code) {"
    for entry in catalogue["codes"]:
        yield f"        case Code::{entry['name']}:"
        yield f"            return {text(entry['name'])};"
    yield "    }"
    yield '    return "unknown";'
    yield "}"
    yield ""
    yield "}  // namespace stillpoint"


def table(catalogue):
    yield "// Generated from manifest/errors.json by tools/generate_errors.py. Do not edit."
    yield "constexpr PublishedError kPublished[] = {"
    for e in catalogue["published"]:
        fields = ", ".join(text(e[key]) for key in ("name", "health"))
        rest = ", ".join(text(e[key]) for key in ("status", "message", "cause", "action", "retry", "portal"))
        yield f"    {{{e['code']}, {fields}, {HEALTH[e['health']]}, {rest}}},"
    yield "};"
    yield "constexpr CodeEntry kCodes[] = {"
    for e in catalogue["codes"]:
        yield f"    {{Code::{e['name']}, {e['published']}, {text(e['summary'])}}},"
    yield "};"
    yield "constexpr ServiceError kService[] = {"
    for e in catalogue["service"]:
        yield f"    {{{', '.join(text(e[key]) for key in ('name', 'message', 'cause', 'action'))}}},"
    yield "};"


def docs(catalogue):
    yield "# Errors"
    yield ""
    yield "Generated from `manifest/errors.json`; `stillpoint explain CODE` prints the same, by number or name."
    yield ""
    yield "## Published numbers"
    yield ""
    yield "The numbers of a status document and of the health of a recovery point. They are those of the"
    yield "extension that Stillpoint replaces and never change. What the portal calls them is not published;"
    yield "the names here are our reading of the vendor's troubleshooting pages"
    yield "(https://learn.microsoft.com/azure/backup/backup-azure-vms-troubleshoot)."
    for e in catalogue["published"]:
        yield ""
        yield f"### {e['code']} {e['name']}"
        yield ""
        yield e["message"]
        yield ""
        yield f"* Health: {e['health']}"
        if e["cause"]:
            yield f"* Cause: {e['cause']}"
        if e["action"]:
            yield f"* What to do: {e['action']}"
        yield f"* Retry: {e['retry']}"
        if e["portal"]:
            yield f"* In the portal: {e['portal']}"
        inner = [c["name"] for c in catalogue["codes"] if c["published"] == e["code"]]
        if inner:
            yield f"* Codes in the log: {', '.join(f'`{name}`' for name in inner)}"
    yield ""
    yield "## Codes in the log"
    yield ""
    yield "| code | published | what it means |"
    yield "|---|---|---|"
    for e in catalogue["codes"]:
        yield f"| `{e['name']}` | {e['published']} | {e['summary']} |"
    yield ""
    yield "## Codes of the service for encrypted machines"
    yield ""
    yield "The backup service reports these itself; no agent does. They are here because a person who looks for one has"
    yield "an encrypted machine before him."
    for e in catalogue["service"]:
        yield ""
        yield f"### {e['name']}"
        yield ""
        yield e["message"]
        yield ""
        yield f"* Cause: {e['cause']}"
        yield f"* What to do: {e['action']}"


def check(catalogue, target):
    faults = [f"{e['code']}: '{key}' is empty" for e in catalogue["published"]
              for key in ("message", "cause", "action", "retry", "portal") if not e[key].strip()]
    faults += [f"{e['code']}: retry is 'yes' or 'no'" for e in catalogue["published"]
               if e["retry"] not in ("yes", "no")]
    faults += [f"{e['name']}: '{key}' is empty" for e in catalogue["service"]
               for key in ("message", "cause", "action") if not e[key].strip()]
    faults += [f"{e['name']}: no summary" for e in catalogue["codes"] if not e["summary"].strip()]
    made = "\n".join(docs(catalogue)) + "\n"
    if not target.exists() or target.read_text(encoding="utf-8") != made:
        faults.append(f"{target} is old: run tools/generate_errors.py docs docs/errors.md")
    print("\n".join(faults) or "errors: no fault")
    return 1 if faults else 0


def main():
    kind, target = sys.argv[1], pathlib.Path(sys.argv[2])
    if kind == "check":
        sys.exit(check(load(), target))
    made = {"header": header, "table": table, "docs": docs}[kind]
    content = "\n".join(made(load())) + "\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_text(encoding="utf-8") != content:
        target.write_text(content, encoding="utf-8")


main()
