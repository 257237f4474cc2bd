# SPDX-License-Identifier: Apache-2.0
"""What is different between a recording and what we did. Each difference is one line of text:

    requests: not sent: host presnapshot (2)
    final: status.code: '76' -> '2'

`theirs -> ours`; "(absent)" stands for a member that one side does not have. Not compared: times, versions, pids, the
values of telemetry, how full disks are, thumbprints, the text of logs.
"""
import json
import re

ABSENT = "(absent)"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
RAW_DATE = re.compile(r'"timestampUTC": "\\/Date\(\d+\)\\/"')
PARALLEL = re.compile(r"^PUT \S*[?&]comp=snapshot\b")


# Documents

def report_facts(text, ticks, prefix):
    """{path: value} of a report as it stands in the status blob and inside the status file."""
    facts = {f"{prefix}timestampUTC": "<date>" if RAW_DATE.search(text) else "no date as it must be"}
    body = json.loads(text)[0]
    facts[f"{prefix}version"] = body["version"]
    facts.update(status_facts(body["status"], ticks, f"{prefix}status."))
    return facts


def status_facts(status, ticks, prefix):
    facts = {}
    for key, value in status.items():
        path = prefix + key
        if key == "formattedMessage":
            facts[f"{path}.lang"] = value["lang"]
            flatten(json.loads(value["message"]), f"{path}.message", facts)
        elif key == "commandStartTimeUTCTicks":
            facts[path] = "<ticks>" if value and value in ticks else value
        elif key == "telemetryData":
            facts[path] = None if value is None else "..."
            facts.update({f"{path}[{entry['Key']}]": "..." for entry in value or []})
        elif key == "substatus" and value:
            facts[f"{path}.code"] = value[0]["code"]
            facts[f"{path}.status"] = value[0]["status"]
            facts[f"{path}.formattedMessage"] = value[0]["formattedMessage"]
            facts.update(report_facts(value[0]["name"], ticks, "report."))
        else:
            flatten(value, path, facts)
    return facts


def flatten(value, path, facts):
    if isinstance(value, dict):
        for key, one in value.items():
            flatten(one, f"{path}.{key}", facts)
    elif isinstance(value, list):
        facts[path] = f"{len(value)} elements"
        for index, one in enumerate(value):
            flatten(one, f"{path}[{index}]", facts)
    elif path.endswith("totalUsedSizeInBytes"):
        facts[path] = "<used>" if value else value
    else:
        facts[path] = TIME.sub("<time>", value) if isinstance(value, str) else value


def document_facts(document, ticks):
    body = document[0]
    known = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["timestampUTC"])
    facts = {"timestampUTC": "<time>" if known else body["timestampUTC"], "version": body["version"]}
    facts.update(status_facts(body["status"], ticks, "status."))
    return facts


def of_facts(where, theirs, ours):
    """Differences of two {path: value}, the order of members included."""
    found = []
    for path in [*theirs, *(path for path in ours if path not in theirs)]:
        one, other = theirs.get(path, ABSENT), ours.get(path, ABSENT)
        if one != other or type(one) is not type(other):
            found.append(f"{where}: {path}: {one!r} -> {other!r}")
    common = [path for path in theirs if path in ours and "telemetryData" not in path]
    if common != [path for path in ours if path in theirs and "telemetryData" not in path]:
        found.append(f"{where}: the order of the members")
    return found


def of_documents(where, theirs, ours):
    """Of the first, the running and the final one. Either side may lack any."""
    found = []
    for name in ("first", "running", "final"):
        one, other = theirs.get(name), ours.get(name)
        if one is None or other is None:
            if one is not other:
                found.append(f"{where}{name}: {'written' if one else ABSENT} -> {'written' if other else ABSENT}"
                             + (f" with code {other['status.code']}" if other else ""))
            continue
        found += of_facts(f"{where}{name}", one, other)
    return found


def named_documents(documents, ticks):
    """{"first", "running", "final"} of the contents of a status file."""
    facts = [document_facts(document, ticks) for document in documents]
    if not facts:
        return {}
    named = {}
    running = [one for one in facts if one["status.code"] == "4"]
    if running:
        named["first"] = running[0]
    if len(running) > 1:
        named["running"] = running[-1]
    if facts[-1]["status.code"] != "4":
        named["final"] = facts[-1]
    return named


# Settings files

def settings_facts(document):
    handler = document["runtimeSettings"][0]["handlerSettings"]
    facts = {}
    for key, value in handler.items():
        if key in ("protectedSettings", "protectedSettingsCertThumbprint"):
            facts[key] = "..." if value else value
        else:
            flatten(value, key, facts)
    facts.pop("publicSettings.commandStartTimeUTCTicks", None)
    return facts


# Requests

def label(endpoint, line):
    method, target = line.split(" ")[:2]
    path, _, query = target.partition("?")
    if endpoint == "host":
        return f"host {path.rpartition('/')[2]}"
    component = re.search(r"(?:^|&)comp=(\w+)", query)
    # Both only ask what the blob is.
    name = "look at" if method in ("GET", "HEAD") and not component else method
    return f"{name} {path}{' ' + component[1] if component else ''}"


def numbered(labels):
    """Distinct names: the second of a kind gets "(2)"."""
    seen, names = {}, []
    for one in labels:
        seen[one] = seen.get(one, 0) + 1
        names.append(one if seen[one] == 1 else f"{one} ({seen[one]})")
    return names


def in_order(requests):
    """(endpoint, line, headers, body), with blob snapshots that follow each other sorted: they go out in parallel."""
    ordered, group = [], []
    for one in [*requests, None]:
        if one is not None and PARALLEL.match(one[1]):
            group.append(one)
            continue
        ordered += sorted(group, key=lambda each: each[1])
        group = []
        if one is not None:
            ordered.append(one)
    return ordered


def in_common(one, other):
    """Index pairs of a longest common subsequence; of several, the one that begins first."""
    length = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in reversed(range(len(one))):
        for j in reversed(range(len(other))):
            length[i][j] = (length[i + 1][j + 1] + 1 if one[i] == other[j]
                            else max(length[i + 1][j], length[i][j + 1]))
    pairs, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif length[i + 1][j] >= length[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def of_requests(theirs, ours, ticks):
    theirs, ours = in_order(theirs), in_order(ours)
    labels = [label(one[0], one[1]) for one in theirs], [label(one[0], one[1]) for one in ours]
    names = numbered(labels[0]), numbered(labels[1])
    pairs = in_common(*labels)
    matched = {at for at, _ in pairs}, {other for _, other in pairs}
    found = [f"requests: not sent: {name}" for at, name in enumerate(names[0]) if at not in matched[0]]
    found += [f"requests: sent by us alone: {name}" for at, name in enumerate(names[1]) if at not in matched[1]]
    for at, other in pairs:
        found += of_request(names[0][at], theirs[at], ours[other], ticks)
    return found


def of_request(name, theirs, ours, ticks):
    found = []
    if theirs[1] != ours[1]:
        found.append(f"{name}: request line: {theirs[1]!r} -> {ours[1]!r}")
    found += of_headers(name, theirs[2], ours[2], bool(theirs[3]))
    if theirs[0] == "host":
        if theirs[3] != ours[3]:
            found.append(f"{name}: body: {theirs[3]!r} -> {ours[3]!r}")
    elif theirs[3].startswith("[{"):
        found += of_facts(f"{name}: body", report_facts(theirs[3], ticks[0], "report."),
                          report_facts(ours[3], ticks[1], "report."))
    elif bool(theirs[3]) != bool(ours[3]):
        found.append(f"{name}: body: {len(theirs[3])} characters -> {len(ours[3])}")
    return found


def of_headers(name, theirs, ours, has_body):
    """How long bodies are is not compared, nor what follows from it."""
    def value(pair):
        name = pair[0].lower()
        follows = name == "x-ms-blob-content-length" or (has_body and name in ("content-length", "x-ms-range"))
        return "..." if follows or name == "x-ms-date" else pair[1]

    one, other = {each[0]: value(each) for each in theirs}, {each[0]: value(each) for each in ours}
    found = [f"{name}: header {key}: {one.get(key, ABSENT)!r} -> {other.get(key, ABSENT)!r}"
             for key in [*one, *(key for key in other if key not in one)] if one.get(key) != other.get(key)]
    common = [each[0] for each in theirs if each[0] in other], [each[0] for each in ours if each[0] in one]
    if common[0] != common[1]:
        found.append(f"{name}: order of headers: {', '.join(common[0])} -> {', '.join(common[1])}")
    return found


# A whole recording

def ticks_of(settings):
    """All that the runs were given so far: a document may be an earlier one's."""
    return {(public or {}).get("commandStartTimeUTCTicks") for public in settings}


def of_played(recording, played):
    """All differences, in the order of the runs."""
    found = []
    given = ticks_of(run.public for run in recording.runs), ticks_of(run.public for run in played.runs)
    for number, (theirs, ours) in enumerate(zip(recording.runs, played.runs), 1):
        where = "" if len(recording.runs) == 1 else f"run {number}: "
        found += of_documents(where, named_documents(theirs.documents, given[0]),
                              named_documents([json.loads(text) for text in ours.documents], given[1]))
        if theirs.settings_after is not None:
            found += of_facts(f"{where}settings file", settings_facts(theirs.settings_after),
                              settings_facts(json.loads(ours.settings_after)))
        if ours.exit_code != 0:
            found.append(f"{where}enable: left with 0 -> {ours.exit_code}")
        if ours.thawed_foreign:
            found.append(f"{where}{theirs.special['prefreeze']}: the freeze of somebody else was taken away")
    found += of_requests([(one["endpoint"], one["request_line"], one["headers"], one.get("body") or "")
                          for one in recording.requests],
                         [(one.endpoint, one.line, one.headers, one.body) for one in played.requests], given)
    found += [f"left frozen: {mount}" for mount in played.left_frozen]
    return found
