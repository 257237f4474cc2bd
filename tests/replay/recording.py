# SPDX-License-Identifier: Apache-2.0
"""A recorded run of the extension that came before: what it was given, what it asked for, what it wrote.

Members of the file: `scenario`; `peer_behaviour_of_host_and_store`, what host and store did instead of their default;
`runs`, each with `settings` (clear), `run` (what was special), `status_file_writes` and `settings_file_after`; and
`requests`, in order. docs/testing.md describes them.
"""
import base64
import dataclasses
import datetime
import json
import re
import urllib.parse

TICKS_KEY = "commandStartTimeUTCTicks"
YEAR_1 = datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc)
DEFAULT_NAME = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"


def ticks_of(moment):
    return int((moment - YEAR_1) / datetime.timedelta(microseconds=1)) * 10


@dataclasses.dataclass
class Run:
    sequence: int
    public: dict
    protected: dict
    special: dict      # "prefreeze", "nocert", "nopublic", "scripts", "workload", "inject", "vmbackup_conf"
    documents: list    # of the status file, each as it was parsed
    settings_after: dict
    age: datetime.timedelta  # of the command when the run began

    def settings_now(self):
        """Public settings whose command is as old as it was then."""
        if self.public is None or not (self.public.get(TICKS_KEY) or "").isdigit():
            return self.public
        began = datetime.datetime.now(datetime.timezone.utc) - self.age
        return {**self.public, TICKS_KEY: str(ticks_of(began))}


@dataclasses.dataclass
class Recording:
    name: str
    behaviour: dict
    runs: list
    requests: list

    @property
    def handler_name(self):
        """What the extension was called when it was recorded."""
        for run in self.runs:
            for document in run.documents:
                return document[0]["status"]["name"]
        return DEFAULT_NAME

    @property
    def store_names(self):
        """Hosts of all addresses in the settings."""
        found = set()
        for run in self.runs:
            texts = [json.dumps(run.protected or {}), json.dumps(run.public or {})]
            for holder in (run.protected or {}), (run.public or {}):
                if isinstance(holder.get("objectStr"), str):
                    texts.append(decoded(holder["objectStr"]))
            for text in texts:
                found |= {urllib.parse.urlsplit(uri).hostname for uri in re.findall(r"https://[^\s\"\\]+", text)}
        return found - {None}

    @property
    def root_is_held(self):
        """The system itself lay on a third disk; in the other recordings it could not be frozen."""
        return self.name.startswith("rootfs")

    @property
    def luns(self):
        """What the first run asks for, -1 the system's disk; empty: not said."""
        text = decoded((self.runs[0].public or {}).get("objectStr") or "")
        disks = (json.loads(text) if text else {}).get("includedDisks") or {}
        return [*(disks.get("dataDiskLunList") or []), *([-1] if disks.get("isOSDiskIncluded") else [])]

    @property
    def decides_by_presnapshot(self):
        """Whether host or guest takes the snapshots follows from what presnapshot answers."""
        custom = json.loads((self.runs[0].public or {}).get("customSettings") or "{}")
        return custom.get("takeSnapshotFrom", "firstHostThenGuest") == "firstHostThenGuest"

    @property
    def asks_for_a_backup(self):
        return bool(self.runs)


def decoded(text):
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""


def moment_of(documents, requests):
    """When the run began, as the recording shows it."""
    for document in documents:
        if isinstance(document, list) and document:
            text = document[0]["timestampUTC"]
            return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    for request in requests:
        found = re.search(r'"responseTime": (\{[^}]*\})', request.get("response_body") or "")
        if found:
            return datetime.datetime(**json.loads(found[1]), tzinfo=datetime.timezone.utc)
    return None


def age_of(public, began):
    ticks = (public or {}).get(TICKS_KEY) or ""
    if began is None or not ticks.isdigit():
        return datetime.timedelta()
    return datetime.timedelta(microseconds=(ticks_of(began) - int(ticks)) // 10)


def load(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    requests = document.get("requests", [])
    runs = []
    began = None
    for number, run in enumerate(document.get("runs", []), 1):
        special = run.get("run") or {}
        documents = [one for one in run.get("status_file_writes", []) if isinstance(one, list)]
        began = moment_of(documents, requests) or began
        public = run["settings"].get("public")
        runs.append(Run(special.get("seq", number), public, run["settings"].get("protected"), special, documents,
                        run.get("settings_file_after"), age_of(public, began)))
    name = document.get("scenario") or path.stem
    return Recording(name if isinstance(name, str) else path.stem,
                     document.get("peer_behaviour_of_host_and_store") or {}, runs, requests)


def load_all(folder):
    return [load(path) for path in sorted(folder.glob("*.json"))]
