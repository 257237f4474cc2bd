#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Azurite as the blob store of a test: installed once, started on a free loopback port, stopped by pid.

    azurite.py install                    prints the folder it is installed in
    azurite.py start --state DIR          prints {"port": ..., "pid": ..., "state": ...}
    azurite.py stop --state DIR           idempotent
    azurite.py run -- COMMAND...          start, COMMAND with SP_STORE_PORT set, stop; exits as COMMAND does

Blobs live in memory: a stopped store leaves nothing behind. A forgotten one ends after --lifetime seconds.
"""
import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import child

RECIPE = pathlib.Path(__file__).resolve().parents[2] / "third_party/azurite"
# Not the program for blobs alone (blob/main.js): that one looks for its keep-alive time under another option's name
# and stays with 5 s, which would close a client's prepared connection too early.
MAIN = "node_modules/azurite/dist/src/azurite.js"
LISTENING = re.compile(rb"Blob service is successfully listening at https?://[^\s:]+:(\d+)")
INSTALL_LIMIT_S = 480
START_LIMIT_S = 30
STOP_LIMIT_S = 5


def cache_folder():
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    digest = hashlib.sha256((RECIPE / "package-lock.json").read_bytes()).hexdigest()[:16]
    return base / "stillpoint" / f"azurite-{digest}"


def npm(arguments, folder, command=("npm",)):
    subprocess.run([*command, *arguments, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                   cwd=folder, check=True, timeout=INSTALL_LIMIT_S, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def npm_command(folder):
    """npm 9.2, as Debian 12 has it, dies on this package ("Exit handler never called!"); npm 10 installs it,
    and npm 9.2 is able to install npm 10."""
    version = subprocess.run(["npm", "--version"], check=True, capture_output=True, text=True, timeout=60).stdout
    if int(version.split(".")[0]) >= 10:
        return ("npm",)
    newer = folder / "npm"
    newer.mkdir()
    npm(["install", "npm@10"], newer)
    return ("node", str(newer / "node_modules/npm/bin/npm-cli.js"))


def install():
    target = cache_folder()
    if (target / MAIN).exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / "azurite.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (target / MAIN).exists():
            return target
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="installing-") as name:
            folder = pathlib.Path(name) / "azurite"
            folder.mkdir()
            for recipe in ("package.json", "package-lock.json"):
                shutil.copy(RECIPE / recipe, folder)
            npm(["ci"], folder, npm_command(pathlib.Path(name)))
            folder.rename(target)
    return target


def wait_until_listening(process, log):
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        if found := LISTENING.search(log.read_bytes()):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    return None


def start(state, lifetime_s, preexec=None):
    main = install() / MAIN
    state.mkdir(parents=True, exist_ok=True)
    log = state / "azurite.log"
    with open(log, "wb") as out:
        # timeout(1) bounds the life of a store that nobody stops, and passes our SIGTERM on.
        process = subprocess.Popen(
            ["timeout", "--kill-after=5", str(lifetime_s), "node", str(main), "--disableTelemetry", "--silent",
             "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0", "--blobKeepAliveTimeout", "300",
             "--queueHost", "127.0.0.1", "--queuePort", "0", "--tableHost", "127.0.0.1", "--tablePort", "0"],
            cwd=state, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=preexec)
    port = wait_until_listening(process, log)
    if port is None:
        end_group(process.pid)
        sys.exit(f"azurite: not listening within {START_LIMIT_S} s:\n{log.read_text(errors='replace')[-2000:]}")
    answer = {"port": port, "pid": process.pid, "state": str(state), "started": start_time(process.pid)}
    (state / "azurite.json").write_text(json.dumps(answer), encoding="utf-8")
    return answer, process


def start_time(pid):
    """Field 22 of /proc/PID/stat: with the pid it names one process, even after the number is used again."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def end_group(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_LIMIT_S
    while running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):  # its own session, so only ours
        os.killpg(pid, signal.SIGKILL)


def stop(state):
    record = state / "azurite.json"
    if record.exists():
        answer = json.loads(record.read_text(encoding="utf-8"))
        if start_time(answer["pid"]) == answer["started"]:
            end_group(answer["pid"])
    for name in ("azurite.json", "azurite.log"):
        (state / name).unlink(missing_ok=True)
    for left in state.glob("__azurite_db*"):
        left.unlink()
    with contextlib.suppress(OSError):
        state.rmdir()


@contextlib.contextmanager
def store(lifetime_s=600):
    """For tests in Python: `with azurite.store() as port:`."""
    with tempfile.TemporaryDirectory(prefix="sp-store-") as name:
        state = pathlib.Path(name) / "state"
        process = None
        try:
            answer, process = start(state, lifetime_s, child.dies_with_parent)
            yield answer["port"]
        finally:
            stop(state)
            if process is not None:
                process.wait(timeout=STOP_LIMIT_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["install", "start", "stop", "run"])
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--lifetime", type=int, default=3600, metavar="SECONDS")
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    arguments, command = parser.parse_args(words[:split]), words[split + 1:]
    if arguments.action == "install":
        print(install())
    elif arguments.action == "run":
        with store(arguments.lifetime) as port:
            return subprocess.run(command, env={**os.environ, "SP_STORE_PORT": str(port)}, check=False).returncode
    elif arguments.state is None:
        parser.error("--state DIR is needed")
    elif arguments.action == "start":
        print(json.dumps(start(arguments.state.resolve(), arguments.lifetime)[0]), flush=True)
    else:
        stop(arguments.state.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
