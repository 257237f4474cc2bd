# SPDX-License-Identifier: Apache-2.0
"""Plays one recording with the packaged handler and collects what it asked for and wrote."""
import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import signal
import struct
import time

import room  # first: it makes the others findable
import applications
import host
import request
import rig
import scratch
import server
import store

END_LIMIT_S = 90


@dataclasses.dataclass
class PlayedRun:
    public: dict
    documents: list = dataclasses.field(default_factory=list)  # texts
    settings_after: str = ""
    exit_code: int = 0
    thawed_foreign: bool = False


@dataclasses.dataclass
class Played:
    runs: list
    requests: list
    left_frozen: list
    log: str
    seconds: float


class Watch:
    """Every content of a status file, in order: fanotify(7) hands over each file that was closed after writing, even
    when the next one has taken its name meanwhile."""

    FAN_CLOSE_WRITE, FAN_EVENT_ON_CHILD, FAN_MARK_ADD, AT_FDCWD = 0x8, 0x08000000, 1, -100  # linux/fanotify.h
    EVENT = struct.Struct("=IBBHQii")

    def __init__(self, path):
        self._before = path.read_text(encoding="utf-8") if path.exists() else None
        self._events = room.LIBC.fanotify_init(0, os.O_RDONLY | os.O_CLOEXEC)
        mask = ctypes.c_uint64(self.FAN_CLOSE_WRITE | self.FAN_EVENT_ON_CHILD)
        room.checked(room.LIBC.fanotify_mark(self._events, self.FAN_MARK_ADD, mask, self.AT_FDCWD,
                                             str(path.parent).encode()), f"watch {path.parent}")
        os.set_blocking(self._events, False)

    def stop(self):
        texts = [self._before] if self._before is not None else []
        with contextlib.closing(os.fdopen(self._events, "rb", buffering=0)) as events:
            while data := events.read(65536):
                texts += self._read(data)
        return [text for at, text in enumerate(texts) if at == 0 or text != texts[at - 1]]

    def _read(self, data):
        at = 0
        while at < len(data):
            length, _, _, _, _, fd, _ = self.EVENT.unpack_from(data, at)
            with open(fd, encoding="utf-8") as written:
                yield written.read()
            at += length


@contextlib.contextmanager
def frozen_by_somebody_else(mount):
    """Yields a function that says, once, whether it still was."""
    if not mount:
        yield lambda: True
        return
    fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.ioctl(fd, scratch.FIFREEZE, 0)
    state = {}

    def still():
        if "was" not in state:
            state["was"] = scratch.thaw(mount)
        return state["was"]

    try:
        yield still
    finally:
        still()
        os.close(fd)


def behaviour_for_us(recording):
    """The predecessor asked presnapshot again while everything was frozen, and before it decided by one. We ask once:
    the deciding call gets its own answer, and what delayed the frozen one delays the call that we make while held."""
    behaviour = recording.behaviour
    steps = behaviour.get("presnapshot")
    if not isinstance(steps, list):
        return behaviour
    ours = 1 if recording.decides_by_presnapshot and len(steps) > 1 else 0
    late = sum(step.get("delay_ms", 0) for step in steps[ours + 1:])
    snapshot = behaviour.get("dosnapshot") or {}
    if late and isinstance(snapshot, dict):
        snapshot = {**snapshot, "delay_ms": snapshot.get("delay_ms", 0) + late}
    return {**behaviour, "presnapshot": steps[ours:ours + 1], "dosnapshot": snapshot}


class Player:
    def __init__(self, guest, host_server, store_server):
        self._guest, self._rig, self._recording = guest, guest.rig, guest.recording
        self._journal = server.Journal()
        behaviour = behaviour_for_us(self._recording)
        host_server.play(self._journal, host.Host(behaviour).answer)
        store_server.play(self._journal, store.Store(behaviour.get("blob_rules") or []).answer)

    def play(self):
        began = time.monotonic()
        runs = [self._run(run) for run in self._recording.runs]
        left = [mount for mount in self._guest.held if scratch.thaw(mount)]
        return Played(runs, self._journal.requests, left, self._rig.log(), time.monotonic() - began)

    def _run(self, run):
        applications.install(run.special, self._guest.root / "etc/azure")
        played = PlayedRun(run.settings_now())
        self._write_settings(run, played.public)
        watch = Watch(self._rig.status_folder / f"{run.sequence}.status")
        with frozen_by_somebody_else(run.special.get("prefreeze")) as still_frozen:
            try:
                played.exit_code = self._rig.run("enable", run.sequence).code
                if run.special.get("inject"):
                    self._inject(run.special["inject"])
                self._wait_for_the_end()
            finally:
                played.documents = watch.stop()
            played.thawed_foreign = not still_frozen()
        played.settings_after = (self._rig.config_folder / f"{run.sequence}.settings").read_text(encoding="utf-8")
        return played

    def _write_settings(self, run, public):
        sealed = None
        if run.protected is not None:
            certificate = next(self._guest.world.certificates.glob("*.crt"))
            sealed = request.seal(run.protected, certificate)
        handler = {"protectedSettingsCertThumbprint": self._rig.thumbprint, "protectedSettings": sealed,
                   "publicSettings": {} if run.special.get("nopublic") else public}
        if sealed is None:
            handler = {"publicSettings": handler["publicSettings"]}
        self._rig.write_settings_text(run.sequence, json.dumps({"runtimeSettings": [{"handlerSettings": handler}]}))

    def _inject(self, what):
        """Kills who the predecessor's "daemon" and "helper" are with us, while everything is held."""
        kind = {"kill_daemon": "worker", "kill_helper": "guard"}[what]
        if not self._journal.wait_for(lambda one: "/dosnapshot?" in one.target, END_LIMIT_S):
            raise RuntimeError(f"{what}: no snapshot was ever asked for")
        for pid in rig.ours(kind):
            os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _wait_for_the_end():
        limit = time.monotonic() + END_LIMIT_S
        while left := rig.ours():
            if time.monotonic() > limit:
                raise RuntimeError(f"still running after {END_LIMIT_S} s: {[rig.processes().get(pid) for pid in left]}")
            time.sleep(0.01)
